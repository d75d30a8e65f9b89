# SPDX-License-Identifier: Apache-2.0
"""All tests here have the marker train; without torch each file says so and is left out."""

from __future__ import annotations

from pathlib import Path

import pytest

HERE = Path(__file__).parent


def pytest_collection_modifyitems(items):
    for item in items:
        if item.path.is_relative_to(HERE):
            item.add_marker(pytest.mark.train)

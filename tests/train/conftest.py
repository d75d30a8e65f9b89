"""Everything here needs torch: without it these tests say so and are left out."""

from __future__ import annotations

import importlib.util

import pytest

HAS_TORCH = importlib.util.find_spec("torch") is not None
collect_ignore_glob = [] if HAS_TORCH else ["test_*.py"]


def pytest_report_header(config):
    return None if HAS_TORCH else "tests/train is left out: no torch (pip install 'codesign[train]')"


def pytest_collection_modifyitems(items):
    for item in items:
        if "/tests/train/" in str(item.path):
            item.add_marker(pytest.mark.train)

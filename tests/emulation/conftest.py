# SPDX-License-Identifier: Apache-2.0
"""Calls of runtime/nn on the cores of tests/emulation/cores.py, built once a file of tests."""

from __future__ import annotations

import functools
from collections.abc import Callable

import pytest

from codesign.testing.calls import Calls


@pytest.fixture(scope="module")
def cores(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Calls]:
    """Calls of a board by name; built when first asked for."""
    from cores import open_calls

    return functools.cache(lambda board: open_calls(board, tmp_path_factory.mktemp(board)))


@pytest.fixture(scope="module")
def counting(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Calls]:
    """The same with instruction counts."""
    from cores import open_calls

    return functools.cache(lambda board: open_calls(board, tmp_path_factory.mktemp(board), counting=True))

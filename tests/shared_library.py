# SPDX-License-Identifier: Apache-2.0
"""C of the runtime as a shared library for this machine, to be called from a test."""

from __future__ import annotations

import ctypes
from collections.abc import Iterable, Sequence
from pathlib import Path

import pytest

from codesign.base.errors import ToolError
from codesign.firmware.toolchain.compilers import find_host_compiler, run_tool
from codesign.firmware.toolchain.objects import compile_runtime
from codesign.firmware.toolchain.runtime import runtime_include

STRICT = ("-std=c11", "-O2", "-Wall", "-Wextra", "-Wpedantic", "-Werror", "-ffreestanding")


def shared_library(sources: Iterable[Path], folder: Path, flags: Sequence[str] = STRICT) -> ctypes.CDLL:
    """`sources` in one library, or a skipped test where no compiler is; objects of the runtime come from the cache."""
    try:
        compiler = find_host_compiler()
    except ToolError as error:
        pytest.skip(str(error))
    flags = (*flags, "-fPIC", f"-I{runtime_include()}")
    objects = compile_runtime(compiler, flags, sorted(sources), folder)
    library = folder / "library.so"
    run_tool((*compiler.compile, *flags, "-shared", *map(str, objects), "-o", str(library)), library.name)
    return ctypes.CDLL(str(library))

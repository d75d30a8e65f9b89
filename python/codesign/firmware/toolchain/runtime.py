# SPDX-License-Identifier: Apache-2.0
"""Which files of runtime/ an image is made of."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from codesign.base.resources import resource
from codesign.compiler.layers.packing import PACKERS


def runtime_include() -> Path:
    """The folder to give to -I."""
    return resource("runtime", "include")


def runtime_sources(kernels: Collection[str]) -> list[Path]:
    """Portable C sources, of the matrix kernels only those of these names ("plain", "dsp", "dual", "mve")."""
    root = resource("runtime")
    files = [file for folder in ("dsp", "nn") for file in sorted((root / folder).iterdir()) if file.suffix in (".c", ".S")]
    others = tuple(f"_{kernel}" for kernel in PACKERS if kernel not in kernels)
    return [
        *sorted(root.glob("*.c")),
        *(file for file in files if not file.stem.endswith(others)),
    ]


def bare_includes() -> tuple[Path, Path]:
    """Headers for toolchains without a C library, and those of semihosting."""
    port = resource("runtime", "port")
    return port / "bare" / "include", port / "semihosting"


def bare_sources(*, semihosting: bool = False) -> list[Path]:
    """Start-up code, the few C library functions that compilers call by themselves, and a main: idle, or with files."""
    port = resource("runtime", "port")
    main = port / ("semihosting" if semihosting else "bare") / "main.c"
    return [port / "bare" / "startup.c", port / "bare" / "libc.c", main]

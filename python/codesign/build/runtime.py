"""Which files of runtime/ an image is made of."""

from __future__ import annotations

from pathlib import Path

from codesign.resources import resource


def runtime_include() -> Path:
    """The folder to give to -I."""
    return resource("runtime", "include")


def runtime_sources(*, dsp: bool) -> list[Path]:
    """Portable C sources, plus the DSP-extension kernels when `dsp`."""
    root = resource("runtime")
    files = [root / "enhancer.c", *sorted((root / "dsp").glob("*.c")), *sorted((root / "nn").glob("*.c"))]
    if dsp:
        files += sorted((root / "nn").glob("*.S"))
    return [file for file in files if dsp or "_dsp" not in file.stem]


def bare_include() -> Path:
    """Headers for toolchains without a C library."""
    return resource("runtime", "port", "bare", "include")


def bare_sources() -> list[Path]:
    """Start-up code, main loop and the few C library functions that compilers call by themselves."""
    return sorted(resource("runtime", "port", "bare").glob("*.c"))

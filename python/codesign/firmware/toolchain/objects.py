# SPDX-License-Identifier: Apache-2.0
"""Objects of the runtime's C files, kept in the cache: they are the same in every image of a compiler and its flags."""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path

from codesign.base.cache import cache_folder
from codesign.base.resources import resource
from codesign.compiler.emit import Generated
from codesign.firmware.boards import Board
from codesign.firmware.toolchain.compilers import ArmCompiler, HostCompiler, compile_all, object_name
from codesign.firmware.toolchain.kernels import kernels_for
from codesign.firmware.toolchain.runtime import bare_includes, runtime_include, runtime_sources

KEPT = 4000
"""Compiled files that stay, a few kB each; those used longest ago are removed."""

_FOLDERS = ("-I", "-iquote", "-isystem", "-idirafter", "-include")
_ENVIRONMENT = ("CPATH", "C_INCLUDE_PATH", "GCC_EXEC_PREFIX", "COMPILER_PATH")


def compile_runtime(
    compiler: ArmCompiler | HostCompiler, flags: Sequence[str], sources: Sequence[Path], folder: Path
) -> list[Path]:
    """Object files of `sources` in `folder`, from the cache where this compiler made them before with these flags.

    What is kept depends on the runtime alone: a file that lies elsewhere is compiled each time, and so is every file when a
    flag looks for headers elsewhere.

    Raises:
        BuildError: with the compiler's first error and the path of its whole output.
    """
    root = resource("runtime")
    command = (*compiler.compile, *flags)
    if any(not path.is_relative_to(root) for path in _header_folders(flags)):
        return compile_all(command, sources, folder)
    common = _digest(command, compiler, root)
    keys = {source: _key(common, source, root) for source in sources if source.is_relative_to(root)}
    missing = [source for source in sources if source not in keys or not _fetch(keys[source], folder / object_name(source))]
    compile_all(command, missing, folder)
    for source in missing:
        if source in keys:
            _keep(keys[source], folder / object_name(source))
    if missing:
        _remove_old()
    return [folder / object_name(source) for source in sources]


def compile_image(
    compiler: ArmCompiler,
    flags: Sequence[str],
    board: Board,
    generated: Generated,
    port: Sequence[Path],
    own: Sequence[Path],
    folder: Path,
) -> list[Path]:
    """Object files in `folder` of an image without an operating system: of the runtime that the board's core can run, of the
    files `port` that are the same in every image, and of `own` and the generated ones, which see the model's headers.

    Raises:
        BuildError: as `compile_runtime`.
    """
    # Quoted includes alone find the model's headers: none of them can hide a system header, whatever the model is called.
    includes = tuple(f"-I{path}" for path in (runtime_include(), *bare_includes()))
    found = compile_runtime(compiler, (*flags, *includes), [*runtime_sources(kernels_for(board)), *port], folder)
    command = (*compiler.compile, *flags, *includes, f"-iquote{generated.folder}")
    return found + compile_all(command, [*own, *generated.sources], folder)


def _header_folders(flags: Sequence[str]) -> Iterable[Path]:
    """Where flags of the form -I<folder> look."""
    for flag in flags:
        for word in _FOLDERS:
            if flag.startswith(word):
                yield Path(flag.removeprefix(word))


def _digest(command: Sequence[str], compiler: ArmCompiler | HostCompiler, root: Path) -> bytes:
    """Of all that an object depends on but its source: compiler, flags and the runtime's headers, wherever the runtime lies."""
    program = shutil.which(command[0])
    made = Path(program).stat() if program else None
    words = [word.replace(str(root), "") for word in sorted(command, key=lambda word: word.startswith("-I"))]
    about = (compiler.version, *words, made and (made.st_size, made.st_mtime_ns), *map(os.environ.get, _ENVIRONMENT))
    state = hashlib.sha256(repr(about).encode())
    for header in sorted(root.rglob("*.h")):
        state.update(f"{header.relative_to(root)}\0".encode() + header.read_bytes())
    return state.digest()


def _key(common: bytes, source: Path, root: Path) -> str:
    return hashlib.sha256(common + f"{source.relative_to(root)}\0".encode() + source.read_bytes()).hexdigest()


def _folder() -> Path:
    return cache_folder().absolute() / "objects"


def _fetch(key: str, output: Path) -> bool:
    """Copy what is kept under `key` to `output` and, the stack usage, beside it; whether there was any."""
    kept = _folder() / key
    try:
        os.utime(kept)
        for file in kept.iterdir():
            shutil.copyfile(file, output.with_suffix(file.suffix))
    except OSError:
        return False
    return True


def _keep(key: str, output: Path) -> None:
    """Keep `output` and the stack usage beside it. The folder appears whole; of two builds the first one's stays."""
    with contextlib.suppress(OSError):
        _folder().mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=_folder(), prefix=".new-") as temporary:
            whole = Path(temporary) / "whole"
            whole.mkdir()
            for file in (output, output.with_suffix(".su")):
                if file.exists():
                    shutil.copyfile(file, whole / f"kept{file.suffix}")
            whole.rename(_folder() / key)


def _remove_old() -> None:
    """Remove all but the KEPT that were used last, each renamed first: nobody copies half of one."""
    with contextlib.suppress(OSError):
        with os.scandir(_folder()) as entries:
            found = sorted((entry.stat().st_mtime, entry.path) for entry in entries)
        for _, path in found[: max(0, len(found) - KEPT)]:
            with contextlib.suppress(OSError):
                gone = Path(path).with_name(f".old-{Path(path).name}-{os.getpid()}")
                Path(path).rename(gone)
                shutil.rmtree(gone)

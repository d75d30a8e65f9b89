# SPDX-License-Identifier: Apache-2.0
"""Output files: complete or not at all, through links, never in the place of a device, never over an input."""

from __future__ import annotations

import contextlib
import os
import re
import secrets
import shutil
import stat
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO

from codesign.base.errors import InputError

_RECORDINGS = (".wav", ".flac", ".ogg", ".oga", ".opus", ".mp3", ".aiff", ".aif")
"""What commands read in folders that they are given."""


def check_files(outputs: Sequence[Path], inputs: Sequence[Path] = ()) -> None:
    """Refuse, before the work, outputs that replace_file would refuse after it, that are one file, or that are an input.

    An input that is a folder stands for the recordings below it.

    Raises:
        InputError: as described.
    """
    seen: dict[str, Path] = {}
    for output in outputs:
        check_file(output, inputs)
        real = os.path.realpath(output)
        if real in seen and _kind(output) in ("", "file"):
            raise InputError(f"{seen[real]} and {output} are the same file", hint="give every output its own")
        seen[real] = output


def check_file(output: Path, inputs: Sequence[Path] = ()) -> None:
    """Refuse a file that cannot be written, or that is one of `inputs`, also by another name of it.

    Raises:
        InputError: as described.
    """
    kind = _kind(output)
    if kind in ("", "file"):
        folder = Path(os.path.realpath(output)).parent
        if not folder.is_dir():
            raise InputError(f"cannot write {output}: there is no folder {folder}", hint="make it first")
        if not os.access(folder, os.W_OK | os.X_OK):
            raise InputError(f"cannot write {output}: {folder} is write-protected", hint="choose another folder")
    if kind == "file":
        for given in inputs:
            if _is_read(output, given):
                raise InputError(f"{output} is an input too, {given}", hint="name another file to write")


@contextlib.contextmanager
def replace_file(path: Path) -> Iterator[Path]:
    """A temporary path to write to, with the ending of `path`; when the block ends well, `path` has what was written.

    A file appears complete or not at all, with the mode that it had, or that of the umask; links are followed. Devices and
    pipes are written to and stay what they are.

    Raises:
        InputError: no such folder, not writable, or `path` is a folder, a disk or a socket.
    """
    kind = _kind(path)
    temporary: Path | None = None
    try:
        if kind == "stream":
            with tempfile.TemporaryDirectory(prefix="codesign-") as name:
                spooled = Path(name) / f"output{path.suffix}"
                spooled.touch()
                yield spooled
                with spooled.open("rb") as source, _stream(path) as sink:
                    shutil.copyfileobj(source, sink)
            return
        real = Path(os.path.realpath(path))
        before = real.stat() if kind == "file" else None
        temporary = real.with_name(f".codesign-{secrets.token_hex(8)}{real.suffix[:20]}")
        temporary.touch(0o666, exist_ok=False)
        yield temporary
        if before is not None:
            temporary.chmod(stat.S_IMODE(before.st_mode))
            if os.geteuid() == 0:
                os.chown(temporary, before.st_uid, before.st_gid)
        temporary.replace(real)
    except OSError as error:
        reason = error.strerror or error
        with contextlib.suppress(OSError):  # the current folder may be gone, and a relative path have no real one
            if kind == "" and not Path(os.path.realpath(path)).parent.is_dir():
                reason = f"there is no folder {path.parent}"
        raise InputError(f"cannot write {path}: {reason}", hint="check the folder") from error
    finally:
        if temporary is not None:
            with contextlib.suppress(OSError):  # a read-only disk refuses this too, and would speak in place of the error
                temporary.unlink(missing_ok=True)


def _kind(path: Path) -> str:
    """What is to be written: "" nothing yet, "file", or "stream" (a pipe, a character device, an open file of the process).

    Raises:
        InputError: what is never written, or a file that is write-protected.
    """
    try:
        mode = path.stat().st_mode
    except FileNotFoundError:
        return ""
    except OSError as error:
        raise InputError(f"cannot write {path}: {error.strerror}", hint="name another file") from error
    if stat.S_ISDIR(mode):
        raise InputError(f"cannot write {path}: it is a folder", hint="name a file")
    if stat.S_ISBLK(mode) or stat.S_ISSOCK(mode):
        raise InputError(f"cannot write {path}: it is a {'disk' if stat.S_ISBLK(mode) else 'socket'}", hint="name a file")
    if not os.access(path, os.W_OK):
        raise InputError(f"cannot write {path}: it is write-protected", hint="name another file")
    return "file" if stat.S_ISREG(mode) and _descriptor(path) is None else "stream"


def _descriptor(path: Path) -> int | None:
    """The open file of this process that a path like /dev/stdout names: replaced, its reader would not see it."""
    name = os.path.normpath(path.absolute())
    if match := re.fullmatch(r"/(?:dev|proc/self)/fd/(\d+)", name):
        return int(match[1])
    return {"/dev/stdin": 0, "/dev/stdout": 1, "/dev/stderr": 2}.get(name)


@contextlib.contextmanager
def _stream(path: Path) -> Iterator[IO[bytes]]:
    number = _descriptor(path)
    if number == 1 and sys.stdout is not None:
        sys.stdout.flush()
    with path.open("wb") if number is None else os.fdopen(os.dup(number), "wb") as file:
        yield file


def _is_read(output: Path, given: Path) -> bool:
    with contextlib.suppress(OSError):
        if given.is_dir():
            files = (Path(at) / name for at, _, names in os.walk(given) for name in names)
            found = (file for file in files if file.suffix.lower() in _RECORDINGS)
            return any(_same(file, output) for file in found)
        return _same(given, output)
    return False


def _same(one: Path, other: Path) -> bool:
    try:
        return one.samefile(other)
    except OSError:
        return False

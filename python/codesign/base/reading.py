# SPDX-License-Identifier: Apache-2.0
"""Reading a file of bounded size, for content that may be anything."""

from __future__ import annotations

from pathlib import Path

from codesign.base.errors import InputError


def read_limited(path: Path, limit: int, hint: str) -> bytes:
    """The bytes of a regular file of at most `limit` bytes; `hint` is what an error says to do.

    Raises:
        InputError: no such file, not a regular one (a device may have no end), larger than `limit`, or not readable.
    """
    if "\0" in str(path):  # may stand in another file's text, and the system's calls take no such path
        raise InputError(f"cannot read {path}: a NUL character in the path", hint=hint)
    try:
        if path.exists() and not path.is_file():
            raise InputError(f"cannot read {path}: not a regular file", hint=hint)
        with path.open("rb") as file:
            data = file.read(limit + 1)
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror or error}", hint=hint) from error
    if len(data) > limit:
        raise InputError(f"{path}: larger than {limit:,} bytes", hint=hint)
    return data

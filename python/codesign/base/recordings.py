# SPDX-License-Identifier: Apache-2.0
"""Many recordings on disk, found by a folder or a pattern, each with the name by which others are matched to it."""

from __future__ import annotations

import glob
from pathlib import Path

from codesign.base.errors import InputError

ENDINGS = (".wav", ".flac", ".ogg")


def find_recordings(pattern: str) -> dict[str, Path]:
    """Name → file. `pattern` is a folder, whose files have their own names, or a path with one *, which stands for the
    name: 'audio/*_noisy.wav', 'audio/*/noisy.flac'.

    Raises:
        InputError: nothing is found, or the pattern has no or several *.
    """
    path = Path(pattern)
    if path.is_dir():
        found = {file.stem: file for file in sorted(path.iterdir()) if file.suffix.lower() in ENDINGS}
    elif str(path).count("*") == 1:
        before, after = str(path).split("*")
        found = files_between(before, after)
    else:
        raise InputError(f"{pattern} is no folder", hint="name a folder, or files with one *, as in 'audio/*_noisy.wav'")
    if not found:
        raise InputError(f"{pattern}: no recordings", hint="name a folder of WAV, FLAC or Ogg files, or files with one *")
    return found


def files_between(before: str, after: str) -> dict[str, Path]:
    """The files whose paths begin with `before` and end in `after`, by what is between; no folder in between."""
    # Not Path.glob: it takes the brackets and question marks of other folders' names for patterns.
    files = sorted(glob.glob(f"{glob.escape(before)}*{glob.escape(after)}"))  # noqa: PTH207
    return {file[len(before) : len(file) - len(after)]: Path(file) for file in files}

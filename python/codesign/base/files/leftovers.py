# SPDX-License-Identifier: Apache-2.0
"""Neighbours of an output folder while it is written, and what processes that were killed left of them."""

from __future__ import annotations

import fcntl
import os
import re
import secrets
import shutil
from pathlib import Path


def neighbour(place: Path, word: str) -> Path:
    """A free name beside `place`: .NAME-WORD-xxxxxxxx, hidden, and no longer than names may be."""
    return place.with_name(f"{_prefix(place)}-{word}-{secrets.token_hex(4)}")


def lock_folder(folder: Path, *, wait: bool = False) -> int:
    """Mark a folder as in use by this process until `unlock_folder`, or its death.

    Returns a descriptor, or -1 where another process holds the folder, there is none, or its file system has no locks.
    """
    try:
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    except OSError:
        return -1
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
    except OSError:
        os.close(descriptor)
        return -1
    return descriptor


def unlock_folder(descriptor: int) -> None:
    """End what `lock_folder` began."""
    if descriptor >= 0:
        os.close(descriptor)


def remove_leftovers(place: Path) -> None:
    """Remove what killed processes left beside `place`, which has a whole folder now."""
    pattern = re.compile(re.escape(_prefix(place)) + r"-(new|old)-[0-9a-f]{8}")
    for entry in os.scandir(place.parent):
        if pattern.fullmatch(entry.name) and entry.is_dir(follow_symlinks=False):
            held = lock_folder(Path(entry.path))
            if held >= 0:
                shutil.rmtree(entry.path, ignore_errors=True)
                unlock_folder(held)


def _prefix(place: Path) -> str:
    return f".{place.name[:50]}"

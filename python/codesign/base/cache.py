# SPDX-License-Identifier: Apache-2.0
"""The user's cache folder, and texts kept there for whoever looks for a fault."""

from __future__ import annotations

import contextlib
import os
import tempfile
import time
from pathlib import Path

KEPT = 50
"""Texts of one kind that stay; older ones are removed."""


def cache_folder() -> Path:
    """CODESIGN_CACHE, or codesign in XDG_CACHE_HOME or ~/.cache."""
    if chosen := os.environ.get("CODESIGN_CACHE"):
        return Path(chosen)
    if base := os.environ.get("XDG_CACHE_HOME"):
        return Path(base) / "codesign"
    with contextlib.suppress(RuntimeError):  # a user without a home
        return Path.home() / ".cache" / "codesign"
    return Path(tempfile.gettempdir()) / "codesign-cache"


def keep_text(kind: str, text: str) -> str:
    """Write `text` as a file of its own to the folder `kind` of the cache, or to that of temporary files where the cache cannot
    be written; returns its path, "" when neither can be.
    """
    suffix = f"-codesign-{kind}.log"
    data = text.encode("utf-8", "backslashreplace")
    seconds, nanoseconds = divmod(time.time_ns(), 10**9)
    prefix = time.strftime(f"%Y%m%d-%H%M%S-{nanoseconds:09}-", time.localtime(seconds))
    folder = cache_folder().absolute() / kind
    with contextlib.suppress(OSError):
        folder.mkdir(parents=True, exist_ok=True)
        path = _write(folder, prefix, suffix, data)
        for old in sorted(folder.glob("*.log"))[:-KEPT]:
            old.unlink(missing_ok=True)
        return path
    with contextlib.suppress(OSError):
        return _write(Path(tempfile.gettempdir()), prefix, suffix, data)
    return ""


def _write(folder: Path, prefix: str, suffix: str, data: bytes) -> str:
    descriptor, name = tempfile.mkstemp(dir=folder, prefix=prefix, suffix=suffix)
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
    return name

# SPDX-License-Identifier: Apache-2.0
"""Folders that several files go to, one after the other."""

from __future__ import annotations

from pathlib import Path

from codesign.base.errors import InputError


def make_folder(folder: Path, hint: str = "choose another folder") -> None:
    """Make `folder` and those above it, unless it is there.

    Raises:
        InputError: it cannot be made; `hint` says what to do then.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"cannot make {folder}: {error.strerror}", hint=hint) from error

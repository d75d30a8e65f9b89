# SPDX-License-Identifier: Apache-2.0
"""The folder of a Zephyr build: CMake's folders cannot be moved, so it is built in its place and listed afterwards."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

from codesign.base.errors import InputError
from codesign.base.files.contents import contents_of, entries, write_contents
from codesign.base.files.leftovers import remove_leftovers
from codesign.base.files.output_folder import check_folder, place_of, set_aside

MODEL = "codesign_model"
CONFIGURED = f"{MODEL}/configured-for"
_HINT = "choose another with --output"
_NEVER = {"%": "GNU ld replaces the % in names", " ": "its own compiler flags part at the space"}


def check_build_folder(folder: Path) -> Path:
    """Where a build into `folder` goes, links resolved: a new or empty folder, or one that holds a build already.

    Raises:
        InputError: it holds something else, or output_folder.place_of refuses it.
    """
    place = place_of(folder)
    for character, reason in _NEVER.items():
        if character in str(place):
            raise InputError(f"Zephyr cannot be built in {folder}: {reason}", hint=_HINT)
    try:
        if contents_of(place) is None and not _earlier(place) and (present := sorted(entries(place))):
            raise InputError(f"{folder} was not made by codesign: it holds {present[0]}", hint=_HINT)
    except OSError as error:
        raise InputError(f"cannot read {folder}: {error.strerror or error}", hint=_HINT) from error
    return place


@contextlib.contextmanager
def build_folder(folder: Path, *, anew: bool) -> Iterator[None]:
    """Build in `folder`, which the block finds existing; `anew`, empty, and when the block raises, the old build is back.

    Files that the user put there are not listed as codesign's, and a build that begins anew is refused where there are any.

    Raises:
        InputError: check_build_folder refuses `folder`, or it cannot be written.
    """
    place = check_build_folder(folder)
    if anew:
        if _earlier(place):
            raise InputError(f"{folder} is a build of another board by an earlier version", hint=f"remove it, or {_HINT}")
        check_folder(folder)
    try:
        with set_aside(place) if anew else contextlib.nullcontext():
            place.mkdir(parents=True, exist_ok=True)
            theirs = entries(place) - (contents_of(place) or set())
            if _earlier(place):
                theirs = set()
            write_contents(place, theirs)
            try:
                yield
            finally:
                write_contents(place, theirs)
        remove_leftovers(place)
    except OSError as error:
        raise InputError(f"cannot write {folder}: {error.strerror or error}", hint=_HINT) from error


def _earlier(place: Path) -> bool:
    """A build of the version that kept no list of its files."""
    return contents_of(place) is None and (place / CONFIGURED).is_file() and contents_of(place / MODEL) is not None

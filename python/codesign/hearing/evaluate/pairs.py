# SPDX-License-Identifier: Apache-2.0
"""Noisy recordings with their clean signals: which files of a folder belong together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from codesign.base.errors import InputError
from codesign.base.recordings import ENDINGS, files_between, find_recordings
from codesign.learning.data.pairs import find_pair_files, match_folders

NOISY, CLEAN = "noisy", "clean"
_LAYOUTS = ("{role}/*{ending}", "*/{role}{ending}", "*_{role}{ending}")
_HINT = "see docs/evaluate.md for the layouts: noisy/NAME.wav with clean/NAME.wav, NAME/noisy.wav, or NAME_noisy.wav"


@dataclass(frozen=True)
class Pairs:
    """Item → file, the same items in both; `layout` is the pattern that they were found by, with {role} and {ending}, "" where
    it was no such pattern.
    """

    folder: Path
    layout: str
    noisy: Mapping[str, Path]
    clean: Mapping[str, Path]

    @property
    def items(self) -> tuple[str, ...]:
        """Names of the pairs, sorted."""
        return tuple(sorted(self.clean))


def find_pairs(folder: Path) -> Pairs:
    """The pairs of a folder, in one of three layouts, or the test pairs of a corpus that has them by its folders' names.

    Raises:
        InputError: no folder, no pairs in it, or a recording without its other half.
    """
    if not folder.is_dir():
        raise InputError(f"{folder} is not a folder", hint="give a folder of noisy recordings and their clean signals")
    for layout in _LAYOUTS:
        clean, noisy = (_files(folder, layout, role) for role in (CLEAN, NOISY))
        if clean and noisy:
            _same_items(folder, layout, NOISY, noisy, clean)
            _same_items(folder, layout, CLEAN, clean, noisy)
            return Pairs(folder, layout, noisy, clean)
    try:
        files = find_pair_files(folder).files
    except InputError as error:
        raise InputError(f"{folder}: no pairs of a noisy and a clean recording", hint=_HINT) from error
    chosen = [pair for pair in files if pair.split == "test"] or files
    items = {str(pair.noisy.relative_to(folder).with_suffix("")): pair for pair in chosen}
    return Pairs(folder, "", {item: pair.noisy for item, pair in items.items()}, {i: pair.clean for i, pair in items.items()})


def pairs_between(noisy: Path, clean: Path, pattern: str = "") -> Pairs:
    """The pairs of two folders, as of `match_folders`.

    Raises:
        InputError: as `match_folders`.
    """
    found = match_folders(noisy, clean, pattern)
    return Pairs(noisy, "", {item: pair[0] for item, pair in found.items()}, {item: pair[1] for item, pair in found.items()})


def find_outputs(pairs: Pairs, name: str, pattern: str = "") -> Mapping[str, Path]:
    """Enhanced recordings of the items of `pairs`: by `pattern` as in find_recordings, or by `name` in the layout of the pairs.

    Raises:
        InputError: nothing is found, or an item has no recording.
    """
    if not pattern and not pairs.layout:
        raise InputError(
            f"{name}: the pairs' folders have no place for other systems", hint=f"give one: --system {name}=FOLDER"
        )
    found = find_recordings(pattern) if pattern else _files(pairs.folder, pairs.layout, name)
    where = pattern or pairs.layout.format(role=name, ending=".*")
    if not found:
        raise InputError(f"{name}: no recordings at {pairs.folder / where}", hint=f"give their folder: --system {name}=FOLDER")
    for item in pairs.items:
        if item not in found:
            raise InputError(f"{name} has no recording of {item} ({where})", hint="every system needs every item")
    return {item: found[item] for item in pairs.items}


def _files(folder: Path, layout: str, role: str) -> dict[str, Path]:
    found: dict[str, Path] = {}
    for ending in ENDINGS:
        before, after = layout.format(role=role, ending=ending).split("*")
        start = str(folder / "_")[:-1] + before
        found = files_between(start, after) | found
    return found


def _same_items(folder: Path, layout: str, role: str, files: Mapping[str, Path], others: Mapping[str, Path]) -> None:
    for item, other in sorted(others.items()):
        if item not in files:
            wanted = layout.replace("*", item).format(role=role, ending=other.suffix)
            raise InputError(
                f"{other} has no {role} recording: {folder / wanted} is missing", hint="add it, or remove the file"
            )

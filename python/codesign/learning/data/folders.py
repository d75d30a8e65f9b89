# SPDX-License-Identifier: Apache-2.0
"""The files of a folder of recordings: who speaks in them, and the split that they belong to."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from codesign.base.errors import InputError

Split = Literal["train", "validation", "test"]
SPLITS: tuple[Split, ...] = ("train", "validation", "test")
ENDINGS = (".wav", ".flac")
SHARE = 0.1
"""Of all voices (or files of noise), for validation and for test each, where the folders do not say."""
_NAMES: dict[str, Split] = {
    "train": "train",
    "training": "train",
    "validation": "validation",
    "valid": "validation",
    "val": "validation",
    "dev": "validation",
    "test": "test",
}


@dataclass(frozen=True)
class RecordingFile:
    """One recording: its voice or kind of noise, and its split where its folder's name says one."""

    path: Path
    group: str
    split: Split | None


def find_recordings(folder: Path, what: str) -> tuple[RecordingFile, ...]:
    """All WAV and FLAC files below `folder`, in an order that is the same everywhere.

    A folder with both train and test folders is split already (validation too, if it has such a folder). The group of a
    recording is the topmost folder that not all recordings share: VOICE of speech/VOICE/… and of speech/train/VOICE/….

    Raises:
        InputError: no such folder, or no recording in it.
    """
    if not folder.is_dir():
        raise InputError(f"{folder} is not a folder", hint=f"give a folder of {what} as WAV or FLAC files")
    parts = {path: _NAMES[path.name] for path in sorted(folder.iterdir()) if path.is_dir() and path.name in _NAMES}
    if {"train", "test"} <= set(parts.values()):
        found = [RecordingFile(path, group, split) for part, split in parts.items() for path, group in _grouped(part)]
    else:
        found = [RecordingFile(path, group, None) for path, group in _grouped(folder)]
    if not found:
        raise InputError(f"{folder}: no WAV or FLAC file", hint=f"give a folder of {what} recordings")
    return tuple(found)


def draw_splits(found: Sequence[RecordingFile], *, by_group: bool, seed: int) -> tuple[tuple[Split, ...], bool]:
    """The split of every recording: that of its folder, else drawn by `seed`; and whether groups are in one split only.

    With `by_group` whole groups are drawn, so that nobody is heard in two splits. With fewer than three groups files are drawn
    instead: the second value is then False. Where folders give train and test but no validation, that is drawn from train.
    """
    given = {recording.split for recording in found} - {None}
    splits: list[Split] = [recording.split or "train" for recording in found]
    wanted: tuple[Split, ...] = tuple(split for split in ("test", "validation") if split not in given)
    pool = [index for index, split in enumerate(splits) if split == "train"]
    groups = {found[index].group for index in pool}
    disjoint = by_group and len(groups) > len(wanted)

    def unit(index: int) -> str:
        return found[index].group if disjoint else f"{found[index].group}/{found[index].path.name}"

    units = sorted({unit(index) for index in pool}, key=lambda name: hashlib.sha256(f"{seed}/{name}".encode()).digest())
    chosen: dict[str, Split] = {}
    for split in wanted:
        # One unit stays for training, whatever the others want.
        count = min(max(1, round(SHARE * len(units))), len(units) - len(chosen) - 1)
        chosen.update(dict.fromkeys(units[len(chosen) : len(chosen) + max(0, count)], split))
    for index in pool:
        splits[index] = chosen.get(unit(index), "train")
    return tuple(splits), disjoint or not by_group or not wanted


def _grouped(folder: Path) -> list[tuple[Path, str]]:
    files = sorted(path for path in folder.rglob("*") if path.suffix.lower() in ENDINGS and path.is_file())
    while files:
        # A single folder that holds all the others tells nobody apart: look inside.
        inside = {path.relative_to(folder).parts[0] for path in files}
        only = folder / next(iter(inside))
        if len(inside) > 1 or only.is_file() or all(path.parent == only for path in files):
            break
        folder = only
    return [(path, _group(path.relative_to(folder))) for path in files]


def _group(relative: Path) -> str:
    return relative.parts[0] if len(relative.parts) > 1 else "."

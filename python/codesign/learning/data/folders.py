# SPDX-License-Identifier: Apache-2.0
"""The files of a folder of recordings: who speaks in them, and the split that they belong to."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from codesign.base.errors import InputError
from codesign.base.words import counted
from codesign.learning.data.names import (
    SPLITS,
    Role,
    Split,
    ears_split,
    file_role,
    folder_role,
    split_of,
    voice_of,
    without_channel,
)

__all__ = ["ENDINGS", "SPLITS", "Found", "RecordingFile", "Split", "draw_splits", "find_recordings"]

ENDINGS = (".wav", ".flac")
_OTHER_ENDINGS = (".wv1", ".wv2", ".sph", ".mp3", ".ogg", ".opus", ".m4a")
SHARE = 0.1
"""Of all voices (or sources of noise), for validation and for test each, where the folders do not say."""
_TAKEN: dict[str, tuple[Role, ...]] = {"speech": ("speech",), "noise": ("noise",), "rooms": ("rooms",)}
_REFUSED: dict[str, tuple[Role | None, ...]] = {"speech": ("noisy", "noise", "rooms"), "noise": ("noisy", "rooms"), "rooms": ()}
"""What a folder is not by its own name, whatever is in it. Speech as noise is babble."""
_WANTED = {"speech": "clean speech", "noise": "noise", "rooms": "impulse responses"}
_CALLED: dict[Role | None, str] = {"speech": "speech", "noise": "noise", "noisy": "noisy speech", "rooms": "impulse responses"}


@dataclass(frozen=True)
class RecordingFile:
    """One recording: its voice or kind of noise, and its split where its folder's name says one.

    `source` is what channels of one recording have in common, "" where a file is a recording of its own.
    """

    path: Path
    group: str
    split: Split | None
    source: str = ""


@dataclass(frozen=True)
class Found:
    """Recordings of a folder in an order that is the same everywhere, and in `notes` what the names of folders said."""

    files: tuple[RecordingFile, ...]
    notes: tuple[str, ...] = ()


def find_recordings(folder: Path, what: str) -> Found:
    """All WAV and FLAC files below `folder` that are `what` ("speech", "noise", "rooms") by their names.

    Folders whose names say something else are left out: noisy speech and noise from a corpus given as speech. Folders whose
    names say train and test, or train and validation, are a split. The group of a recording is the topmost folder that not all
    recordings share, VOICE of speech/VOICE/… and of speech/train/VOICE/…; of speech the voice that files' names say, where
    they say several in a group.

    Raises:
        InputError: no such folder, no recording in it, or nothing but what its names say is something else.
    """
    if not folder.is_dir():
        raise InputError(f"{folder} is not a folder", hint=f"give a folder of {what} as WAV or FLAC files")
    paths = sorted(path for path in folder.rglob("*") if path.suffix.lower() in ENDINGS and path.is_file())
    if not paths:
        others = Counter(path.suffix.lower() for path in folder.rglob("*") if path.suffix.lower() in _OTHER_ENDINGS)
        kinds = (
            f" ({counted(others.most_common(1)[0][1], 'file')} {others.most_common(1)[0][0]}: convert them)" if others else ""
        )
        raise InputError(f"{folder}: no WAV or FLAC file{kinds}", hint=f"give a folder of {what} recordings")
    kept, notes = _of_role(folder, paths, what)
    root = _root(folder, kept)
    splits = {name: split for name in _below(root, kept) if (split := split_of(name)) is not None}
    if "train" in splits.values() and len(set(splits.values())) > 1:
        files, more = _in_splits(root, kept, splits)
        notes += more
    else:
        files = [RecordingFile(path, group, None) for path, group in _grouped(root, kept)]
    files = _published(_by_voices(files)) if what == "speech" else [replace(file, source=_source(file)) for file in files]
    return Found(tuple(files), tuple(notes))


def draw_splits(found: Sequence[RecordingFile], *, by_group: bool, seed: int) -> tuple[tuple[Split, ...], bool]:
    """The split of every recording: that of its folder, else drawn by `seed`; and whether groups are in one split only.

    With `by_group` whole groups are drawn, so that nobody is heard in two splits. With fewer than three groups files are drawn
    instead: the second value is then False. Channels of one recording stay together. Where folders give train and test but no
    validation, that is drawn from train.
    """
    given = {recording.split for recording in found} - {None}
    splits: list[Split] = [recording.split or "train" for recording in found]
    wanted: tuple[Split, ...] = tuple(split for split in ("test", "validation") if split not in given)
    pool = [index for index, split in enumerate(splits) if split == "train"]
    groups = {found[index].group for index in pool}
    disjoint = by_group and len(groups) > len(wanted)

    def unit(index: int) -> str:
        file = found[index]
        return file.group if disjoint else f"{file.group}/{file.source or file.path.name}"

    units = sorted({unit(index) for index in pool}, key=lambda name: hashlib.sha256(f"{seed}/{name}".encode()).digest())
    chosen: dict[str, Split] = {}
    for split in wanted:
        # One unit stays for training, whatever the others want.
        count = min(max(1, round(SHARE * len(units))), len(units) - len(chosen) - 1)
        chosen.update(dict.fromkeys(units[len(chosen) : len(chosen) + max(0, count)], split))
    for index in pool:
        splits[index] = chosen.get(unit(index), "train")
    return tuple(splits), disjoint or not by_group or not wanted


def role_below(folder: Path, path: Path) -> Role | None:
    """What the names between `folder` and a file below it say that the file is: the last one that says anything."""
    roles = [folder_role(part) for part in path.relative_to(folder).parts[:-1]]
    return next((role for role in reversed(roles) if role is not None), None)


def _of_role(folder: Path, paths: list[Path], what: str) -> tuple[list[Path], list[str]]:
    own = folder_role(folder.name)
    if own in _REFUSED[what] and not any(role_below(folder, path) in _TAKEN[what] for path in paths):
        raise InputError(
            f"{folder}: {_CALLED[own]} by its name, where {_WANTED[what]} is asked for",
            hint=f"give the folder of {_WANTED[what]}, or rename it",
        )
    left: Counter[Role] = Counter()
    kept = []
    for path in paths:
        role = role_below(folder, path)
        if role is None and what == "speech":
            role = file_role(path.stem)
        if role is None or role in _TAKEN[what]:
            kept.append(path)
        else:
            left[role] += 1
    said = ", ".join(f"{counted(count, 'file')} of {_CALLED[role]}" for role, count in left.most_common())
    if not kept:
        raise InputError(f"{folder}: by their folders' names {said}, no {what}", hint=f"give a folder of {what} recordings")
    return kept, [f"left out of {folder} by their folders' names: {said}"] if said else []


def _in_splits(root: Path, paths: list[Path], splits: dict[str, Split]) -> tuple[list[RecordingFile], list[str]]:
    files, rest = [], 0
    parts: dict[str, list[Path]] = {}
    for path in paths:
        parts.setdefault(path.relative_to(root).parts[0], []).append(path)
    for name, inside in parts.items():
        if name in splits:
            place = _root(root / name, inside)
            files += [RecordingFile(path, group, splits[name]) for path, group in _grouped(place, inside)]
        else:
            rest += len(inside)
    return files, [f"left out of {root}: {counted(rest, 'file')} in none of {', '.join(sorted(splits))}"] if rest else []


def _root(folder: Path, files: list[Path]) -> Path:
    """The folder in which the files part: a single folder that holds all the others tells nobody apart."""
    while True:
        inside = {path.relative_to(folder).parts[0] for path in files}
        only = folder / next(iter(inside))
        if len(inside) > 1 or only.is_file() or all(path.parent == only for path in files):
            return folder
        folder = only


def _below(root: Path, files: list[Path]) -> set[str]:
    return {parts[0] for path in files if len(parts := path.relative_to(root).parts) > 1}


def _grouped(root: Path, files: list[Path]) -> list[tuple[Path, str]]:
    return [(path, _group(path.relative_to(root))) for path in files]


def _group(relative: Path) -> str:
    return relative.parts[0] if len(relative.parts) > 1 else "."


def _by_voices(files: list[RecordingFile]) -> list[RecordingFile]:
    """Groups in which all files' names say a voice, and more than one, become these voices; all groups where all files do."""
    names = {voice_of(file.path.stem) for file in files}
    if "" not in names and len(names) > 1:
        return [replace(file, group=voice_of(file.path.stem)) for file in files]
    voices: dict[tuple[Split | None, str], set[str]] = {}
    for file in files:
        voices.setdefault((file.split, file.group), set()).add(voice_of(file.path.stem))
    several = {group for group, names in voices.items() if len(names) > 1 and "" not in names}
    return [replace(file, group=voice_of(file.path.stem)) if (file.split, file.group) in several else file for file in files]


def _published(files: list[RecordingFile]) -> list[RecordingFile]:
    """Files of EARS in its published split, where all voices are of it and some are held out."""
    if any(file.split is not None for file in files):
        return files
    stems: dict[str, list[str]] = {}
    for file in files:
        stems.setdefault(file.group, []).append(file.path.stem)
    splits = {voice: ears_split(voice, tuple(names)) for voice, names in stems.items()}
    if None in splits.values() or not {"train", "test"} <= set(splits.values()):
        return files
    return [replace(file, split=splits[file.group]) for file in files]


def _source(file: RecordingFile) -> str:
    name = without_channel(file.path.stem)
    return "" if name is None else name or file.path.parent.name

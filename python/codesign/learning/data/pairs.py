# SPDX-License-Identifier: Apache-2.0
"""Noisy recordings with their clean signals: which files of a corpus, or of two folders, belong together by their names."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from codesign.base.errors import InputError
from codesign.learning.data.folders import ENDINGS, RecordingFile, Split, draw_splits, find_recordings, role_below
from codesign.learning.data.names import file_role, folder_role

HINT = (
    "docs/training-data.md: noisy and clean in folders of such names, NAME_noisy.wav beside NAME_clean.wav, or fileid_N in both"
)
PLACE = "{id}"
_FILE_ID = re.compile(r"fileid_(\d+)$")
_ROLE_WORD = re.compile(r"(?<![a-z])(noisy|clean)(?![a-z])")
_RATIO = re.compile(r"m?\d+dB")


@dataclass(frozen=True)
class PairFile:
    """A noisy recording and its clean signal, whose voice it is, and the split where names say one."""

    noisy: Path
    clean: Path
    group: str
    split: Split | None


@dataclass(frozen=True)
class FoundPairs:
    """Pairs of a folder in an order that is the same everywhere, and in `notes` what was left out."""

    folder: Path
    files: tuple[PairFile, ...]
    notes: tuple[str, ...] = ()


def find_pair_files(folder: Path) -> FoundPairs:
    """The pairs of a corpus: noisy and clean speech by the names of its folders or files, with the same name otherwise.

    VoiceBank-DEMAND from its root, DNS Challenge (fileid_N in both names), CHiME-2 (isolated with scaled or reverberated; six
    ratios to one clean signal), and any noisy/ beside clean/. Splits and voices are those of the clean files, as of
    `find_recordings`.

    Raises:
        InputError: no folder, or no pairs in it.
    """
    clean = find_recordings(folder, "speech")
    if any(_role(folder, file.path) is None for file in clean.files):
        raise InputError(f"{folder}: no pairs: names do not say which files are clean and which noisy", hint=HINT)
    by_key = {_key(folder, file.path): file for file in clean.files}  # of scaled and reverberated the last in order: scaled
    pairs, alone, used = [], [], set()
    for path in sorted(path for path in folder.rglob("*") if path.suffix.lower() in ENDINGS and path.is_file()):
        if _role(folder, path) == "noisy":
            key = _key(folder, path)
            partner = by_key.get(key)
            if partner is None:
                alone.append(path)
            else:
                used.add(key)
                pairs.append(PairFile(path, partner.path, partner.group, partner.split))
    if not pairs:
        first = alone[0] if alone else clean.files[0].path
        raise InputError(f"{folder}: no pairs: {first} has no other half", hint=HINT)
    notes = [f"{len(alone)} noisy files have no clean one, the first {alone[0]}"] if alone else []
    if rest := [file.path for key, file in by_key.items() if key not in used]:
        notes.append(f"{len(rest)} clean files have no noisy one, the first {rest[0]}")
    return FoundPairs(folder, tuple(pairs), tuple(notes))


def pair_splits(found: FoundPairs, seed: int) -> tuple[Split, ...]:
    """The split of each pair, by voices as of recordings."""
    files = [RecordingFile(pair.clean, pair.group, pair.split) for pair in found.files]
    return draw_splits(files, by_group=True, seed=seed)[0]


def match_folders(noisy: Path, clean: Path, pattern: str = "") -> Mapping[str, tuple[Path, Path]]:
    """Item → (noisy file, clean file) of two folders, by their paths below them, or by fileid_N where all names have one.

    With a pattern as "*_fileid_{id}.wav", `*` standing for anything and `{id}` for what the two have in common, files of other
    names are left out.

    Raises:
        InputError: a folder or the other half of a file is missing, or two files of a folder have one key.
    """
    if pattern and pattern.count(PLACE) != 1:
        raise InputError(
            f"pattern '{pattern}' has not one {PLACE}", hint=f"as in '*_fileid_{PLACE}.wav': what both names share"
        )
    found = [_keys(folder, pattern) for folder in (noisy, clean)]
    for one, other, missing in ((found[0], found[1], clean), (found[1], found[0], noisy)):
        for key, path in one.items():
            if key not in other:
                raise InputError(f"{path} has no other half in {missing}: nothing there is called {key}", hint=HINT)
    return {key: (path, found[1][key]) for key, path in found[0].items()}


def _keys(folder: Path, pattern: str) -> dict[str, Path]:
    if not folder.is_dir():
        raise InputError(f"{folder} is not a folder", hint="give a folder of recordings")
    paths = sorted(p for p in folder.rglob("*") if p.suffix.lower() in (*ENDINGS, ".ogg") and p.is_file())
    if pattern:
        escaped = re.escape(pattern).replace(r"\*", ".*").replace(re.escape(PLACE), "(.+)")
        named = [(match[1], path) for path in paths if (match := re.fullmatch(escaped, path.name))]
    else:
        ids = [_FILE_ID.search(path.stem) for path in paths]
        named = [
            (match[1] if match is not None and all(ids) else path.relative_to(folder).with_suffix("").as_posix(), path)
            for match, path in zip(ids, paths, strict=True)
        ]
    result: dict[str, Path] = {}
    for key, path in named:
        if key in result:
            raise InputError(f"{path} and {result[key]} are both {key}", hint="give a pattern that tells files apart")
        result[key] = path
    if not result:
        raise InputError(f"{folder}: no recordings{f' called {pattern}' if pattern else ''}", hint=HINT)
    return result


def _role(folder: Path, path: Path) -> str | None:
    return role_below(folder, path) or file_role(path.stem)


def _key(folder: Path, path: Path) -> str:
    """What the two files of a pair have in common: the path without the words that tell them apart, or their number."""
    relative = path.relative_to(folder).with_suffix("")
    number = _FILE_ID.search(relative.name)
    folders = [_common(part) for part in relative.parts[:-1]]
    name = number[0] if number else _ROLE_WORD.sub("", relative.name)
    return "/".join([*(part for part in folders if part), name])


def _common(folder: str) -> str:
    if _RATIO.fullmatch(folder):
        return ""
    without = _ROLE_WORD.sub("", folder)
    return "" if without == folder and folder_role(folder) in ("noisy", "speech") else without

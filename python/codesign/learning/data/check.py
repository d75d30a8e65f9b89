# SPDX-License-Identifier: Apache-2.0
"""What a folder of recordings would be to training: hours, voices, rates, levels, noise floor, splits and why."""

from __future__ import annotations

import contextlib
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import soundfile

from codesign.base.cache import cache_folder
from codesign.base.errors import InputError
from codesign.base.progress import Progress, silent
from codesign.learning.data.cache import Decoded, decode
from codesign.learning.data.folders import SPLITS, Found, RecordingFile, Split, draw_splits, find_recordings, role_below
from codesign.learning.data.levels import clipped_samples, noisy_note
from codesign.learning.data.names import Role, folder_role
from codesign.learning.data.pairs import find_pair_files, pair_splits

KINDS = ("speech", "noise", "rooms")
BLOCK = 1 << 20
"""Samples of a recording in memory at a time."""
_SHARES = (0.05, 0.5, 0.95)


@dataclass(frozen=True)
class SplitPart:
    """One split: its files, hours, and voices (of noise: sources)."""

    split: Split
    files: int
    hours: float
    voices: int


@dataclass(frozen=True)
class KindReport:
    """Recordings of one kind. Levels are the 5th, 50th and 95th percentile in dB; `why` says where the splits come from.

    `contrast_db` is of the loud parts over the noise floor. `rates` maps Hz to files, `clipped` counts files with clipped
    samples, of which `first_clipped` is one.
    """

    kind: str
    files: int
    parts: tuple[SplitPart, ...]
    why: str
    rates: dict[int, int]
    level_db: tuple[float, float, float]
    floor_db: tuple[float, float, float]
    contrast_db: tuple[float, float, float]
    clipped: int
    first_clipped: str
    notes: tuple[str, ...]

    @property
    def hours(self) -> float:
        """Of all splits."""
        return sum(part.hours for part in self.parts)


@dataclass(frozen=True)
class PairsReport:
    """Pairs of noisy and clean recordings: how many in each split, and what was left out."""

    pairs: dict[Split, int]
    notes: tuple[str, ...]


@dataclass(frozen=True)
class DataReport:
    """What a folder holds, by kind, as its names say."""

    folder: Path
    kinds: tuple[KindReport, ...]
    pairs: PairsReport | None


def check_data(
    folder: Path,
    kind: str = "",
    *,
    sample_rate: int = 16000,
    seed: int = 0,
    cache: Path | None = None,
    progress: Progress = silent,
) -> DataReport:
    """Look at the recordings of a folder as training would take them; `kind` is one of KINDS where names do not say it.

    Raises:
        InputError: no such folder, nothing usable in it, or no such kind.
    """
    if kind and kind not in KINDS:
        raise InputError(f"'{kind}' is not one of {', '.join(KINDS)}", hint="leave it out where the folders' names say it")
    wanted = (kind,) if kind else kinds_of(folder)
    place = cache_folder() if cache is None else cache
    kinds = tuple(_report(folder, what, sample_rate, seed, place, progress) for what in wanted)
    return DataReport(folder, kinds, _pairs(folder, seed) if "speech" in wanted else None)


def kinds_of(folder: Path) -> tuple[str, ...]:
    """What names say is in a folder; speech where they say nothing."""
    roles: set[Role | None] = {folder_role(folder.name)}
    if folder.is_dir():
        roles |= {role_below(folder, path) for path in folder.rglob("*") if path.is_file()}
    return tuple(kind for kind in KINDS if kind in roles) or ("speech",)


def _report(folder: Path, what: str, sample_rate: int, seed: int, cache: Path, progress: Progress) -> KindReport:
    found = find_recordings(folder, what)
    decoded = decode(folder, [file.path for file in found.files], sample_rate, cache, progress, what)
    usable = [found.files[index] for index in decoded.kept]
    by_group = what == "speech"
    splits, disjoint = draw_splits(usable, by_group=by_group, seed=seed)
    notes = [*found.notes, *decoded.notes]
    if by_group and (note := noisy_note(decoded.contrast, decoded.length / sample_rate)):
        notes.append(note)
    clipped = _clipped(usable, progress)
    return KindReport(
        what,
        len(usable),
        tuple(_part(split, usable, splits, decoded, sample_rate, by_group) for split in SPLITS),
        _why(found, by_group=by_group, disjoint=disjoint, seed=seed),
        dict(sorted(Counter(decoded.rate.tolist()).items())),
        _spread(decoded.active),
        _spread(decoded.floor),
        _spread(decoded.contrast),
        len(clipped),
        str(clipped[0]) if clipped else "",
        tuple(notes),
    )


def _part(
    split: Split, files: list[RecordingFile], splits: tuple[Split, ...], decoded: Decoded, sample_rate: int, by_group: bool
) -> SplitPart:
    chosen = [index for index, name in enumerate(splits) if name == split]
    hours = float(decoded.length[chosen].sum()) / sample_rate / 3600
    heard = {
        file.group if by_group else f"{file.group}/{file.source or file.path.name}" for file in map(files.__getitem__, chosen)
    }
    return SplitPart(split, len(chosen), hours, len(heard))


def _clipped(files: list[RecordingFile], progress: Progress) -> list[Path]:
    """Files with clipped samples."""
    found = []
    for number, file in enumerate(files):
        if number % 50 == 0:
            progress("look for clipping", number, len(files))
        # Damage was counted when the recordings were decoded.
        with contextlib.suppress(soundfile.SoundFileError, OSError), soundfile.SoundFile(file.path) as sound:
            blocks = sound.blocks(BLOCK, dtype="int16", always_2d=True)
            if any(clipped_samples(channel) for block in blocks for channel in block.T):
                found.append(file.path)
    return found


def _why(found: Found, *, by_group: bool, disjoint: bool, seed: int) -> str:
    given = {file.split for file in found.files} - {None}
    what = "recordings" if not by_group else "voices" if disjoint else "files"
    if not given:
        few = "" if disjoint else "; too few voices for splits of their own"
        return f"drawn by seed {seed}: a tenth of the {what} for validation, a tenth for test{few}"
    drawn = [split for split in ("validation", "test") if split not in given]
    said = "as the corpus publishes it or its folders' names say"
    return said if not drawn else f"{said}; {' and '.join(drawn)} drawn by seed {seed} from the {what} of train"


def _pairs(folder: Path, seed: int) -> PairsReport | None:
    try:
        found = find_pair_files(folder)
    except InputError:
        return None
    splits = pair_splits(found, seed)
    return PairsReport({split: splits.count(split) for split in SPLITS}, found.notes)


def _spread(values: npt.NDArray[np.float32]) -> tuple[float, float, float]:
    low, middle, high = (round(float(value), 1) for value in np.quantile(values, _SHARES))
    return low, middle, high

# SPDX-License-Identifier: Apache-2.0
"""Decoded recordings on disk: one file of int16 samples, mapped into memory, so that no epoch decodes anything again."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt

from codesign.base.audio import Audio, read_audio
from codesign.base.errors import CodesignError, InputError
from codesign.base.files.output_folder import replace_folder
from codesign.base.progress import Progress
from codesign.learning.data.levels import Levels, levels_of

FORMAT = 3
TARGET_DB = -25.0
"""Root mean square of the active frames of every recording, in dB of full scale, after its gain."""
SILENT = 8
"""Largest sample of a recording that counts as silent: −72 dB of full scale."""
SHORTEST_SECONDS = 0.02

_ARRAYS = ("kept", "start", "length", "active", "floor", "peak", "rate")
_FILES = ("pcm.int16", "index.npz", "manifest.json")


@dataclass(frozen=True, eq=False)
class Decoded:
    """int16 samples of many recordings one after the other in the file `pcm`.

    `kept` int64 (n,) are the places of those recordings in the list that was decoded, `start` and `length` int64 (n,) where
    they lie in the file. `active`, `floor`, `peak` float32 (n,) are their levels in dB of full scale, `rate` int64 (n,) is that
    of the files in Hz. `notes` say what was left out or changed.
    """

    pcm: Path
    kept: npt.NDArray[np.int64]
    start: npt.NDArray[np.int64]
    length: npt.NDArray[np.int64]
    active: npt.NDArray[np.float32]
    floor: npt.NDArray[np.float32]
    peak: npt.NDArray[np.float32]
    rate: npt.NDArray[np.int64]
    notes: tuple[str, ...]

    @property
    def gain(self) -> npt.NDArray[np.float32]:
        """Factor (n,) of each, as gain_of says."""
        return gain_of(self.active, self.peak)

    @property
    def contrast(self) -> npt.NDArray[np.float32]:
        """How far the active frames of each are above its noise floor, in dB (n,)."""
        return self.active - self.floor


def gain_of(active: npt.NDArray[np.float32], peak: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Factor (n,) that brings active frames of these levels in dB to TARGET_DB, but peaks no further than −1 dB."""
    wanted = np.minimum(TARGET_DB - active.astype(np.float64), -1.0 - peak.astype(np.float64))
    return np.asarray(10 ** (wanted / 20), np.float32)


def decode(folder: Path, paths: Sequence[Path], sample_rate: int, cache: Path, progress: Progress, what: str = "") -> Decoded:
    """Decode `paths`, all below `folder` and of one kind `what`, to mono at `sample_rate` Hz, or take what was decoded before.

    The cache of a folder is made anew when a file of it changed its size or time, came or went. Files that cannot be used are
    left out and counted in the notes: unreadable, below the rate, silent, or shorter than 20 ms.

    Raises:
        InputError: no file can be used, or the cache cannot be written.
    """
    place = cache / f"audio-{_digest(str(folder.resolve()), str(sample_rate), what)[:16]}"
    stamp = _digest(str(FORMAT), *(f"{path} {path.stat().st_size} {path.stat().st_mtime_ns}" for path in paths))
    known = _load(place, stamp)
    if known is not None:
        return known
    try:
        with replace_folder(place, _FILES) as building:
            _write(building, paths, sample_rate, stamp, folder, progress)
    except InputError as error:
        if error.message.startswith("cannot write"):
            hint = "free some space there, or set CODESIGN_CACHE to another folder"
            raise InputError(error.message, hint=hint) from error
        raise
    made = _load(place, stamp)
    if made is None:
        raise InputError(f"the cache {place} vanished while it was read", hint="start one command after the other")
    return made


def _load(place: Path, stamp: str) -> Decoded | None:
    try:
        manifest = json.loads((place / "manifest.json").read_text(encoding="utf-8"))
        if manifest["stamp"] != stamp:
            return None
        with np.load(place / "index.npz", allow_pickle=False) as index:
            arrays = {name: index[name] for name in _ARRAYS}
        if (place / "pcm.int16").stat().st_size != 2 * int(arrays["length"].sum()):
            return None
        return Decoded(place / "pcm.int16", notes=tuple(manifest["notes"]), **arrays)
    except (OSError, ValueError, KeyError, TypeError):
        return None


@dataclass
class Tally:
    """What was left out or changed: reason → how many files, the first of them."""

    found: dict[str, tuple[int, str]] = field(default_factory=dict)

    def add(self, remarks: Iterable[tuple[str, str]]) -> None:
        """Count the remarks on a file."""
        for reason, example in remarks:
            count, first = self.found.get(reason, (0, example))
            self.found[reason] = count + 1, first

    def lines(self, total: int) -> tuple[str, ...]:
        """A line for each reason, of `total` files."""
        return tuple(f"{count} of {total} files {reason}, the first {first}" for reason, (count, first) in self.found.items())


def _write(building: Path, paths: Sequence[Path], sample_rate: int, stamp: str, folder: Path, progress: Progress) -> None:
    tally = Tally()
    kept, lengths, rates, levels = [], [], [], list[Levels]()
    with (building / "pcm.int16").open("wb") as file:
        for number, path in enumerate(paths):
            if number % 50 == 0:
                progress(f"decode {folder.name}", number, len(paths))
            found = usable(path, sample_rate)
            tally.add(found.remarks)
            if (audio := found.audio) is not None:
                file.write(audio.pcm.tobytes())
                kept.append(number)
                lengths.append(audio.pcm.size)
                rates.append(audio.source_rate)
                levels.append(levels_of(audio.pcm, sample_rate))
    notes = tally.lines(len(paths))
    if not kept:
        raise InputError(
            f"{folder}: no usable recording: {notes[0]}", hint=f"give WAV or FLAC files of {sample_rate} Hz or more"
        )
    length = np.array(lengths, np.int64)
    in_db = np.array([(level.active_db, level.floor_db, level.peak_db) for level in levels], np.float32).T
    np.savez(
        building / "index.npz",
        **dict(zip(("active", "floor", "peak"), in_db, strict=True)),
        kept=np.array(kept, np.int64),
        start=np.cumsum(length) - length,
        length=length,
        rate=np.array(rates, np.int64),
    )
    manifest = {"stamp": stamp, "folder": str(folder), "sample_rate": sample_rate, "notes": notes}
    (building / "manifest.json").write_text(json.dumps(manifest, indent=1), encoding="utf-8")


@dataclass(frozen=True)
class Usable:
    """A recording as it can be used, None where it cannot; `remarks` are (what was left out or changed, of which file)."""

    audio: Audio | None
    remarks: tuple[tuple[str, str], ...] = ()


def usable(path: Path, sample_rate: int) -> Usable:
    """Decode a recording to mono at `sample_rate` Hz, unless it is unreadable, below the rate, silent or shorter than 20 ms."""
    try:
        audio = read_audio(path, sample_rate)
    except CodesignError as error:
        return Usable(None, (("left out as unreadable", f"({error.message})"),))
    if audio.source_rate < sample_rate:
        # Resampling up brings nothing back: the network would learn that speech ends there.
        return Usable(None, ((f"left out because recorded below {sample_rate} Hz", f"{path} at {audio.source_rate} Hz"),))
    if int(np.abs(audio.pcm.astype(np.int32)).max()) <= SILENT:
        return Usable(None, (("left out as silent", str(path)),))
    if audio.pcm.size < SHORTEST_SECONDS * sample_rate:
        return Usable(None, ((f"left out as shorter than {1000 * SHORTEST_SECONDS:g} ms", str(path)),))
    changed = {
        "with several channels averaged to one": audio.channels > 1,
        "clipped, beyond full scale": bool(audio.clipped),
        "cut off before their end": bool(audio.cut_off),
    }
    return Usable(audio, tuple((what, str(path)) for what, holds in changed.items() if holds))


def _digest(*parts: str) -> str:
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()

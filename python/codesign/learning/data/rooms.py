# SPDX-License-Identifier: Apache-2.0
"""Rooms: impulse responses from a talker and from noises around to one microphone, simulated once a seed or recorded."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import soundfile
import soxr

from codesign.base.cache import cache_folder
from codesign.base.errors import InputError
from codesign.base.files import make_folder
from codesign.base.files.output_file import replace_file
from codesign.firmware.doctor import missing
from codesign.learning.data.folders import SPLITS, Split, draw_splits, find_recordings

ROOMS = 100
POSITIONS = 4
"""Sources in a room: the talker first, then noises."""
SECONDS = 0.5
"""Length of the responses."""
REVERBERATION = (0.1, 0.6)
"""Seconds to −60 dB by Sabine's formula, between which rooms are drawn."""
SMALLEST, LARGEST = (2.5, 2.5, 2.2), (9.0, 7.0, 3.5)
"""Metres."""
TALKER_METRES = (0.4, 2.5)
MAX_ORDER = 30
"""Of the image sources: more changes little within SECONDS and takes long."""
LEAD = 40
"""Samples before the direct sound, which its band-limited pulse takes."""
FORMAT = 1

Responses = npt.NDArray[np.float32]


def room_bank(seed: int, sample_rate: int, cache: Path | None = None) -> Responses:
    """Impulse responses float32 (ROOMS, POSITIONS, taps), mapped from the cache; the talker's has energy 1 in each room.

    Noises keep their level relative to the talker's; a room is a box with one absorption (image-source method, Allen and
    Berkley 1979, as pyroomacoustics computes it).

    Raises:
        ToolError: pyroomacoustics is needed and not installed.
        InputError: the cache cannot be written.
    """
    name = f"rooms-{FORMAT}-{sample_rate}-{seed}.npy"
    return _cached(name, lambda: np.stack(_simulate(seed, sample_rate)), cache)


def recorded_bank(folder: Path, split: Split, seed: int, sample_rate: int, cache: Path | None = None) -> Responses:
    """Impulse responses of a folder's rooms in a split, as of `room_bank` but for as many rooms as there are, ROOMS at most.

    A room is a folder (a file, where all lie in one folder); its first response is the talker's, the others are noises', again
    from the first where it has few. Of several channels the first counts.

    Raises:
        InputError: no room for the split, an unreadable file, or the cache cannot be written.
    """
    files = find_recordings(folder, "rooms").files
    if len({file.group for file in files}) < len(SPLITS):
        files = tuple(replace(file, group=file.path.name) for file in files)
    splits, _ = draw_splits(files, by_group=True, seed=seed)
    found: dict[str, list[Path]] = {}
    for file, name in zip(files, splits, strict=True):
        if name == split:
            found.setdefault(file.group, []).append(file.path)
    if not found:
        raise InputError(f"{folder}: no rooms for {split}", hint="give impulse responses of three rooms and more")
    rng = np.random.default_rng((seed, SPLITS.index(split)))
    names = sorted(found)
    chosen = [names[index] for index in sorted(rng.permutation(len(names))[:ROOMS])]
    stamp = "\n".join(f"{path} {path.stat().st_size} {path.stat().st_mtime_ns}" for name in chosen for path in found[name])
    key = hashlib.sha256(f"{FORMAT} {sample_rate} {seed} {split}\n{stamp}".encode()).hexdigest()[:16]

    def made() -> Responses:
        rooms = [rng.permutation(np.array(found[name], object))[:POSITIONS].tolist() for name in chosen]
        read = [[_response(path, sample_rate) for path in paths] for paths in rooms]
        return np.stack([_aligned([one[k % len(one)] for k in range(POSITIONS)], sample_rate) for one in read])

    return _cached(f"rooms-recorded-{key}.npy", made, cache)


def _response(path: Path, sample_rate: int) -> npt.NDArray[np.float64]:
    """The first channel of an impulse response at another rate, as loud as it was recorded."""
    try:
        samples, rate = soundfile.read(path, dtype="float64", always_2d=True)
    except (soundfile.SoundFileError, OSError) as error:
        raise InputError(f"cannot read {path}: {error}", hint="give impulse responses as WAV or FLAC") from error
    if not np.isfinite(samples).all() or not samples[:, 0].any():
        raise InputError(f"{path}: no impulse response: it is silent or no sound", hint="remove it")
    return samples[:, 0] if rate == sample_rate else np.asarray(soxr.resample(samples[:, 0], rate, sample_rate))


def _cached(name: str, make: Callable[[], Responses], cache: Path | None) -> Responses:
    folder = cache_folder() if cache is None else cache
    path = folder / name
    if (kept := _kept(path)) is not None:
        return kept
    bank = make()
    make_folder(folder, hint="set CODESIGN_CACHE to another folder")
    with replace_file(path) as temporary:
        np.save(temporary, bank)
    return bank if (kept := _kept(path)) is None else kept


def _kept(path: Path) -> Responses | None:
    """What the cache has; None where it has nothing, or what a full disk or a crash left of it."""
    try:
        return np.asarray(np.load(path, mmap_mode="r", allow_pickle=False))
    except (OSError, ValueError, EOFError):
        return None


def _simulate(seed: int, sample_rate: int) -> list[Responses]:
    try:
        import pyroomacoustics
    except ImportError as error:
        raise missing("pyroomacoustics") from error
    rng = np.random.default_rng(seed)
    rooms: list[Responses] = []
    while len(rooms) < ROOMS:
        size = rng.uniform(SMALLEST, LARGEST)
        try:
            absorption, order = pyroomacoustics.inverse_sabine(rng.uniform(*REVERBERATION), size)
        except ValueError:  # no material is absorbent enough for so short a time in so large a room
            continue
        material = pyroomacoustics.Material(absorption)
        room = pyroomacoustics.ShoeBox(size, fs=sample_rate, materials=material, max_order=min(order, MAX_ORDER))
        ear = rng.uniform(0.5, size - 0.5)
        room.add_microphone(ear)
        room.add_source(_near(rng, ear, size))
        for _ in range(POSITIONS - 1):
            room.add_source(rng.uniform(0.3, size - 0.3))
        room.compute_rir()
        rooms.append(_aligned(room.rir[0], sample_rate))
    return rooms


def _near(rng: np.random.Generator, ear: npt.NDArray[np.float64], size: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """A talker in some direction, within TALKER_METRES where the walls allow it."""
    direction = rng.standard_normal(3) * (1.0, 1.0, 0.2)
    offset = direction / np.linalg.norm(direction) * rng.uniform(*TALKER_METRES)
    return np.asarray(np.clip(ear + offset, 0.2, size - 0.2))


def _aligned(responses: list[npt.NDArray[np.float64]], sample_rate: int) -> Responses:
    """Cut to SECONDS from shortly before the direct sound, scaled by the talker's energy."""
    taps = int(SECONDS * sample_rate)
    result = np.zeros((POSITIONS, taps), np.float32)
    for row, response in zip(result, responses, strict=True):
        first = int(np.flatnonzero(np.abs(response) > 0.3 * np.abs(response).max())[0])
        piece = response[max(0, first - LEAD) :][:taps]
        row[: piece.size] = piece
    return np.asarray(result / np.sqrt(np.sum(np.square(result[0], dtype=np.float64))), np.float32)

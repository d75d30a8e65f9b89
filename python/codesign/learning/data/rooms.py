# SPDX-License-Identifier: Apache-2.0
"""Simulated rooms: impulse responses from a talker and from noises around to one microphone, made once a seed and cached."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt

from codesign.base.cache import cache_folder
from codesign.base.errors import InputError
from codesign.base.files.output_file import replace_file
from codesign.base.progress import Progress, silent
from codesign.firmware.doctor import missing

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


def room_bank(seed: int, sample_rate: int, cache: Path | None = None, progress: Progress = silent) -> Responses:
    """Impulse responses float32 (ROOMS, POSITIONS, taps), mapped from the cache; the talker's has energy 1 in each room.

    Noises keep their level relative to the talker's; a room is a box with one absorption (image-source method, Allen and
    Berkley 1979, as pyroomacoustics computes it).

    Raises:
        ToolError: pyroomacoustics is needed and not installed.
        InputError: the cache cannot be written.
    """
    folder = cache_folder() if cache is None else cache
    path = folder / f"rooms-{FORMAT}-{sample_rate}-{seed}.npy"
    if not path.is_file():
        bank = np.stack(_simulate(seed, sample_rate, progress))
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise InputError(f"cannot make {folder}: {error.strerror}", hint="set CODESIGN_CACHE to another folder") from error
        with replace_file(path) as temporary:
            np.save(temporary, bank)
    return np.asarray(np.load(path, mmap_mode="r", allow_pickle=False))


def _simulate(seed: int, sample_rate: int, progress: Progress) -> list[Responses]:
    try:
        import pyroomacoustics
    except ImportError as error:
        raise missing("pyroomacoustics") from error
    rng = np.random.default_rng(seed)
    rooms: list[Responses] = []
    while len(rooms) < ROOMS:
        progress("simulate rooms", len(rooms), ROOMS)
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

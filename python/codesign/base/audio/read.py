# SPDX-License-Identifier: Apache-2.0
"""A recording as one array."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from codesign.base.audio.stream import AudioStream, Source
from codesign.base.errors import InputError

MAX_SECONDS = 4 * 3600
"""Longer recordings are refused as one array: 461 MB at 16 kHz."""


@dataclass(frozen=True)
class Audio:
    """int16 PCM (n,), mono or interleaved, at the rate asked for; what the file held; and in `notes` everything that was
    changed or is amiss.

    `cut_off` is the one of the notes that says what is missing at the end, "" when the file is whole. So many samples were
    beyond full scale and `clipped`.
    """

    pcm: npt.NDArray[np.int16]
    source_rate: int
    channels: int
    notes: tuple[str, ...] = ()
    cut_off: str = ""
    clipped: int = 0

    @property
    def source(self) -> Source:
        """What is to be said of the file once its samples are used with others."""
        return Source(self.source_rate, self.channels, self.clipped, self.cut_off)


def read_audio(
    path: Path,
    sample_rate: int,
    max_seconds: float = MAX_SECONDS,
    hint: str = "cut it into parts",
    microphones: int = 1,
) -> Audio:
    """Read a WAV, FLAC or Ogg file as int16 mono at `sample_rate` Hz, or of several microphones interleaved, as AudioStream
    does; `hint` is for what is too long.

    Raises:
        InputError: as AudioStream; damaged, empty, longer than `max_seconds`, or with samples that are no sound.
    """
    stream = AudioStream(path, sample_rate, microphones)
    _check_length((stream.frames or 0) / stream.source_rate, path, max_seconds, hint)
    data = bytearray()
    for block in stream.blocks():
        data += block.tobytes()
        _check_length(stream.samples / sample_rate, path, max_seconds, hint)
    pcm = np.frombuffer(data, np.int16)
    return Audio(pcm, stream.source_rate, stream.channels, stream.notes, stream.cut_off, stream.clipped)


def _check_length(seconds: float, path: Path, max_seconds: float, hint: str) -> None:
    if seconds > max_seconds:
        raise InputError(f"{path} is longer than {_hours(max_seconds)}", hint=hint)


def _hours(seconds: float) -> str:
    return f"{seconds / 3600:g} hour{'' if seconds == 3600 else 's'}"

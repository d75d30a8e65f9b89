# SPDX-License-Identifier: Apache-2.0
"""Noisy recordings that nobody has a clean version of: pieces of them, for a teacher to enhance."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from codesign.base.audio import read_audio
from codesign.base.errors import InputError
from codesign.base.signals import Signal32

ENDINGS = {".wav", ".flac", ".ogg"}


@dataclass(frozen=True)
class NoisyRecordings:
    """Files of one folder. Batch k is a function of the seed, the files' names and k."""

    files: tuple[Path, ...]
    sample_rate: int
    seed: int

    @classmethod
    def under(cls, folder: Path, sample_rate: int, seed: int) -> NoisyRecordings:
        """All recordings, as many folders deep as they are.

        Raises:
            InputError: there is none.
        """
        files = tuple(sorted(path for path in folder.rglob("*") if path.suffix.lower() in ENDINGS and path.is_file()))
        if not files:
            raise InputError(f"distill.recordings: no WAV or FLAC file under {folder}", hint="give a folder of recordings")
        return cls(files, sample_rate, seed)

    def batch(self, number: int, size: int, length: int) -> Signal32:
        """float32 (size, length) within ±1: a piece of some file each, silence after one that is shorter.

        Raises:
            InputError: a file cannot be read.
        """
        rng = np.random.default_rng((self.seed, number))
        result = np.zeros((size, length), np.float32)
        for row in result:
            pcm = read_audio(self.files[int(rng.integers(len(self.files)))], self.sample_rate).pcm
            start = int(rng.integers(max(1, pcm.size - length + 1)))
            piece = pcm[start : start + length]
            row[: piece.size] = piece / np.float32(32768.0)
        return result

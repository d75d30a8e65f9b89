# SPDX-License-Identifier: Apache-2.0
"""Levels of a recording: what is loud in it, what is quiet, and what that says of noise in it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from codesign.base.signals import FULL_SCALE

FRAME_SECONDS = 0.01
ACTIVE_DB = -30.0
"""Frames within this of the loudest one count as active."""
QUIET_SHARE = 0.1
"""Part of the frames, the quietest ones, that is below the noise floor."""
FLOOR_DB = -100.0
"""Of full scale: what is quieter counts as this."""
NOISY_DB = 20.0
"""A floor less than this below the active level is that of noisy speech: talkers pause. Medians measured so: readers of
LibriSpeech 42 dB, learners at home 35, telephone prompts 32, the project's demo 22; speech 15 dB above steady noise 15."""
JUDGED_SECONDS = 1.0
"""Shorter recordings may hold no pause."""
STEADY_DB = 0.3
"""What changes less is a tone: even steady noise has louder and quieter frames."""
CLIPPED = 4
"""Samples at one extreme in a row that count as clipping."""


@dataclass(frozen=True)
class Levels:
    """In dB of full scale: root mean square of the active frames, noise floor, highest sample."""

    active_db: float
    floor_db: float
    peak_db: float

    @property
    def contrast_db(self) -> float:
        """How far the active frames are above the noise floor."""
        return self.active_db - self.floor_db


def levels_of(pcm: npt.NDArray[np.int16], sample_rate: int) -> Levels:
    """Levels of int16 PCM (n,), n ≥ 1, in frames of 10 ms. The floor is the level that a tenth of the frames is below."""
    frame = max(1, int(FRAME_SECONDS * sample_rate))
    signal = pcm.astype(np.float64) / FULL_SCALE
    frames = np.mean(np.square(signal[: max(1, signal.size // frame) * frame].reshape(-1, min(frame, signal.size))), axis=1)
    active = float(np.mean(frames[frames >= frames.max() * 10 ** (ACTIVE_DB / 10)]))
    floor = float(np.quantile(frames, QUIET_SHARE))
    return Levels(_db(active), _db(floor), _db(float(np.square(signal).max())))


def noisy_note(contrast: npt.NDArray[np.float32], seconds: npt.NDArray[np.float64]) -> str:
    """What to say of speech whose recordings (n,) have these contrasts in dB and lengths, "" where nothing is amiss."""
    judged = contrast[(seconds >= JUDGED_SECONDS) & (contrast > STEADY_DB)]
    if not judged.size or (middle := float(np.median(judged))) >= NOISY_DB:
        return ""
    return (
        f"noisy speech? In half of the recordings the quietest tenth is at most {middle:.0f} dB below the speech, of clean "
        f"speech {NOISY_DB:g} dB and more; a network learns to keep that noise"
    )


def clipped_samples(pcm: npt.NDArray[np.int16]) -> int:
    """Samples of int16 PCM (n,), n ≥ 1, in runs of CLIPPED and more at the highest or lowest value, where that is above half of
    full scale. At the rate that it was recorded at: resampling bends what was cut.
    """
    total = 0
    for extreme in (int(pcm.max()), int(pcm.min())):
        if abs(extreme) >= 0.5 * FULL_SCALE:
            at = np.concatenate([[False], pcm == extreme, [False]])
            edges = np.flatnonzero(at[1:] != at[:-1])
            runs = edges[1::2] - edges[::2]
            total += int(runs[runs >= CLIPPED].sum())
    return total


def _db(power: float) -> float:
    return max(FLOOR_DB, 10.0 * float(np.log10(max(power, 1e-20))))

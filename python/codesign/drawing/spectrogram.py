# SPDX-License-Identifier: Apache-2.0
"""Spectrograms as pictures: level of every band over time, on one scale for all signals of a recording."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from codesign.drawing.png import palette_png

MAX_COLUMNS, MAX_ROWS = 640, 129
RANGE_DB = 70.0
QUIETEST_TOP_DB = 60.0
"""The lightest colour stands for this level at least: silence is dark. Noise of one LSB is below 20 dB."""
LEVELS = 56  # distinct colours: more cannot be told apart, and fewer compress better
_BLOCK = 4096  # frames transformed at a time: an hour of audio must not need its whole spectrogram

# Dark to light over violet, red and yellow: lightness rises evenly, so that it also reads in grey and for the colour-blind.
_ANCHORS = np.array(
    [(8, 8, 28), (52, 20, 96), (112, 32, 118), (172, 46, 106), (222, 82, 72), (248, 144, 62), (252, 210, 110), (252, 252, 210)]
)


def palette() -> npt.NDArray[np.uint8]:
    """uint8 (LEVELS, 3): RGB from the lowest to the highest level."""
    position = np.linspace(0, len(_ANCHORS) - 1, LEVELS)
    channels = [np.interp(position, np.arange(len(_ANCHORS)), _ANCHORS[:, channel]) for channel in range(3)]
    return np.stack(channels, axis=1).round().astype(np.uint8)


def levels(pcm: npt.NDArray[np.int16], n_fft: int) -> npt.NDArray[np.float64]:
    """Power in dB, float64 (bands, columns), low bands first; at most MAX_ROWS × MAX_COLUMNS, of int16 PCM (n,).

    Hann windows of `n_fft` samples, half overlapping (or further apart in long recordings: then a column keeps the loudest
    of its frames).
    """
    hop = n_fft // 2
    padded = np.pad(pcm, (0, max(0, n_fft - pcm.size)))
    frames = 1 + (padded.size - n_fft) // hop
    per_column, per_row = -(-frames // MAX_COLUMNS), -(-(n_fft // 2 + 1) // MAX_ROWS)
    window = np.hanning(n_fft + 1)[:-1].astype(np.float32)
    pooled = []
    step = max(1, _BLOCK // per_column) * per_column
    view = np.lib.stride_tricks.sliding_window_view(padded, n_fft)[::hop]
    for first in range(0, frames, step):
        power = np.abs(np.fft.rfft(view[first : first + step] * window, axis=1)) ** 2
        power = np.add.reduceat(power, np.arange(0, power.shape[1], per_row), axis=1)
        pooled.append(np.maximum.reduceat(power, np.arange(0, len(power), per_column), axis=0))
    return np.asarray(10.0 * np.log10(np.concatenate(pooled).T + 1e-3))


def picture(level: npt.NDArray[np.float64], top: float) -> bytes:
    """PNG of levels in dB (bands, columns), from `top` − RANGE_DB (dark) to `top` (light); high bands on top."""
    scaled = (level - (top - RANGE_DB)) / RANGE_DB * (LEVELS - 1)
    return palette_png(np.clip(np.rint(scaled), 0, LEVELS - 1).astype(np.uint8)[::-1], palette())

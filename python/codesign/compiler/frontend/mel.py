# SPDX-License-Identifier: Apache-2.0
"""Mel bands: the analysis bank (bins → bands) and its transpose for masks (bands → bins)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from codesign.base.errors import InputError
from codesign.compiler.frontend.chain import Chain

TINY = 1e-6
"""Weights of triangles of peak 1 up to this are left out."""


@dataclass(frozen=True)
class BandedMatrix:
    """A matrix whose rows are non-zero in one run of columns only.

    Row r holds `weights[offset_r : offset_r + length[r]]` at columns start[r] … start[r] + length[r] − 1, where offset_r
    is the sum of the lengths before it.
    """

    columns: int
    start: npt.NDArray[np.uint16]
    length: npt.NDArray[np.uint16]
    weights: npt.NDArray[np.float32]

    @property
    def rows(self) -> int:
        """Number of rows, empty ones too."""
        return len(self.start)

    def dense(self) -> npt.NDArray[np.float32]:
        """The same matrix with its zeros, shape (rows, columns)."""
        matrix = np.zeros((self.rows, self.columns), np.float32)
        offset = 0
        for row, (start, length) in enumerate(zip(self.start.tolist(), self.length.tolist(), strict=True)):
            matrix[row, start : start + length] = self.weights[offset : offset + length]
            offset += length
        return matrix


def hz_to_mel(hz: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Mel = 2595·log10(1 + f/700) of frequencies in Hz, any shape (O'Shaughnessy 1987; the "HTK" scale)."""
    return 2595.0 * np.log10(1.0 + hz / 700.0)


def mel_to_hz(mel: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Inverse of `hz_to_mel`."""
    return 700.0 * (10.0 ** (mel / 2595.0) - 1.0)


def mel_analysis(config: Chain) -> BandedMatrix:
    """Triangles of peak 1, n_mels × n_bins.

    Centres are equidistant in mel between f_min and f_max (both excluded). A triangle reaches to its neighbours'
    centres, and at least one bin to either side, so that no band is empty where bands are narrower than bins.
    """
    return banded(mel_triangles(config), TINY)


def mel_synthesis(config: Chain) -> BandedMatrix:
    """Interpolation of band gains to bins, n_bins × n_mels; every row sums to 1.

    The transpose of the analysis bank, each bin divided by its column sum. A bin outside of all triangles takes the gain
    of the nearest band.
    """
    return banded(interpolation(mel_triangles(config)), TINY)


def interpolation(bands: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Weights of (bands, bins) turned into what spreads gains of bands over bins, (bins, bands), as `mel_synthesis` says.

    Raises:
        InputError: no band holds a bin.
    """
    columns = bands.T.copy()
    sums = columns.sum(axis=1)
    covered = np.flatnonzero(sums > 0)
    if covered.size == 0:
        raise InputError("front end: no band holds a bin", hint="fewer or wider bands")
    for row in np.flatnonzero(sums <= 0):
        nearest = covered[np.argmin(np.abs(covered - row))]
        columns[row] = 0.0
        columns[row, np.argmax(columns[nearest])] = 1.0
    return np.asarray(columns / columns.sum(axis=1, keepdims=True))


def mel_triangles(config: Chain) -> npt.NDArray[np.float64]:
    """The triangles of `mel_analysis`, dense: float64 (n_mels, n_bins)."""
    edges_mel = hz_to_mel(np.array([config.f_min, config.f_max], np.float64))
    points = mel_to_hz(np.linspace(edges_mel[0], edges_mel[1], config.n_mels + 2))
    return triangles_at(config, points)


def triangles_at(config: Chain, points: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Triangles of peak 1 at points[1:-1] Hz that reach to their neighbours, and at least one bin to either side: float64
    (points − 2, n_bins).
    """
    spacing = config.sample_rate / config.n_fft
    centre = points[1:-1, None]
    below = np.maximum(centre - points[:-2, None], spacing)
    above = np.maximum(points[2:, None] - centre, spacing)
    bins = np.arange(config.n_bins)[None, :] * spacing
    weights: npt.NDArray[np.float64] = np.maximum(0.0, np.minimum((bins - centre) / below, (centre - bins) / above) + 1.0)
    return weights


def banded(matrix: npt.NDArray[np.float64], least: float = 0.0) -> BandedMatrix:
    """Each row of `matrix` (rows, columns) from its first to its last weight above `least` in magnitude, as float32; a row
    without one is empty.
    """
    starts, lengths, weights = [], [], [np.zeros(0)]
    for row in matrix:
        columns = np.flatnonzero(np.abs(row) > least)
        first, last = (int(columns[0]), int(columns[-1]) + 1) if columns.size else (0, 0)
        starts.append(first)
        lengths.append(last - first)
        weights.append(row[first:last])
    return BandedMatrix(
        matrix.shape[1],
        np.array(starts, np.uint16),
        np.array(lengths, np.uint16),
        np.concatenate(weights).astype(np.float32),
    )

# SPDX-License-Identifier: Apache-2.0
"""The filter banks of a chain, of whatever kind: bins → bands, and gains → bins."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from codesign.compiler.frontend.chain import Chain, Rows
from codesign.compiler.frontend.mel import TINY, BandedMatrix, banded, interpolation, mel_triangles, triangles_at

Real = npt.NDArray[np.float64]
_HZ_A_MEL = 200.0 / 3.0  # Hz a mel below 1 kHz
_LOG_STEP = np.log(6.4) / 27.0


def analysis_bank(chain: Chain) -> BandedMatrix:
    """The bands of a chain, n_mels × n_bins; for features that are no bands, every bin a band."""
    return banded(_bands(chain), _least(chain))


def gains_bank(chain: Chain) -> BandedMatrix:
    """Gains of the network to gains of bins, n_bins × n_outputs.

    Of bands: the transpose of the analysis bank, each bin divided by its column sum; a bin outside of all bands takes the gain
    of the nearest one.
    """
    if chain.gains == "matrix":
        return banded(_dense(chain.gains_matrix))
    if chain.gains == "bins":
        return banded(np.eye(chain.n_bins))
    return banded(interpolation(_bands(chain)), _least(chain))


def _least(chain: Chain) -> float:
    return TINY if chain.bands in ("mel", "erb") else 0.0


def _bands(chain: Chain) -> Real:
    match chain.bands:
        case "mel":
            return mel_triangles(chain)
        case "slaney":
            return _slaney(chain)
        case "erb":
            return _erb(chain)
        case "matrix":
            return _dense(chain.bands_matrix)
        case _:
            return np.eye(chain.n_bins)


def _slaney(chain: Chain) -> Real:
    """Triangles of area 1 (in Hz) on Slaney's mel scale: linear below 1 kHz, logarithmic above (Auditory Toolbox, 1998)."""
    low, high = (_hz_to_slaney(hz) for hz in (chain.f_min, chain.f_max))
    points = _slaney_to_hz(np.linspace(low, high, chain.n_mels + 2))
    bins = np.arange(chain.n_bins) * (chain.sample_rate / chain.n_fft)
    rising = (bins - points[:-2, None]) / np.diff(points)[:-1, None]
    falling = (points[2:, None] - bins) / np.diff(points)[1:, None]
    triangles = np.maximum(0.0, np.minimum(rising, falling))
    return np.asarray(triangles * (2.0 / (points[2:] - points[:-2]))[:, None])


def _erb(chain: Chain) -> Real:
    """Triangles of peak 1 equidistant on the scale of equivalent rectangular bandwidths (Glasberg and Moore, 1990, eq. 4)."""
    low, high = (21.4 * np.log10(1.0 + 0.00437 * hz) for hz in (chain.f_min, chain.f_max))
    points = (10.0 ** (np.linspace(low, high, chain.n_mels + 2) / 21.4) - 1.0) / 0.00437
    return triangles_at(chain, points)


def _hz_to_slaney(hz: float) -> float:
    return hz / _HZ_A_MEL if hz < 1000.0 else float(15.0 + np.log(hz / 1000.0) / _LOG_STEP)


def _slaney_to_hz(mel: Real) -> Real:
    return np.where(mel < 15.0, mel * _HZ_A_MEL, 1000.0 * np.exp(_LOG_STEP * (mel - 15.0)))


def _dense(rows: Rows) -> Real:
    return np.array(rows, np.float64)

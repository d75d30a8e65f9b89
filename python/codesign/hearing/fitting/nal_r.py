# SPDX-License-Identifier: Apache-2.0
"""NAL-R: insertion gains for speech of average level, from an audiogram."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from codesign.hearing.fitting.audiogram import Audiogram

CONSTANTS: Mapping[int, float] = {
    **{250: -17.0, 500: -8.0, 750: -3.0, 1000: 1.0, 1500: 1.0},
    **{2000: -1.0, 3000: -2.0, 4000: -2.0, 6000: -2.0},
}
"""Hz → dB: what the formula adds at each frequency that it is given for."""
_AVERAGED = (500, 1000, 2000)
_SEVERE = 180.0


def insertion_gains(audiogram: Audiogram) -> npt.NDArray[np.float64]:
    """Insertion gains in dB, (9,), at the frequencies of CONSTANTS.

    Byrne and Dillon, "The National Acoustic Laboratories' (NAL) new procedure for selecting the gain and frequency response of
    a hearing aid", Ear and Hearing 7(4), 1986: G(f) = X + 0.31·H(f) + k(f) with X = 0.05·(H(500) + H(1000) + H(2000)); where
    that sum is above 180 dB, X = 9 + 0.116·(sum − 180) (Byrne, Parkinson and Newall, Ear and Hearing 11(1), 1990). Gains
    below 0 are 0, as is everything for a listener without a loss.
    """
    frequencies = np.array(list(CONSTANTS), np.float64)
    levels, total = audiogram.at(frequencies), float(audiogram.at(_AVERAGED).sum())
    if levels.max() <= 0:
        return np.zeros(frequencies.size)
    average = 0.05 * total if total <= _SEVERE else 0.05 * _SEVERE + 0.116 * (total - _SEVERE)
    return np.asarray(np.maximum(average + 0.31 * levels + np.array(list(CONSTANTS.values())), 0.0))

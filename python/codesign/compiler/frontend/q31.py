# SPDX-License-Identifier: Apache-2.0
"""Constants of the fixed-point front end, shared by its reference and the C emitter (docs/numerics.md, "Q31 front end")."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from codesign.compiler.frontend.bands import analysis_bank, gains_bank
from codesign.compiler.frontend.chain import Chain
from codesign.compiler.frontend.fft_tables import split_angles, twiddle_angles
from codesign.compiler.frontend.mel import BandedMatrix
from codesign.compiler.frontend.windows import analysis_window, synthesis_window

Words = npt.NDArray[np.int32]
MAX_OCTAVES = 64
"""A feature scale beyond 2^±64 makes every feature the largest or the smallest anyway."""


@dataclass(frozen=True)
class FixedPointTables:
    """Tables of one front end, int32: windows (window,) in Q29 and Q30, twiddles and split in Q30, and by row of the two filter
    banks, whose other members are as in `mel` and `bins`, weights in Q29 and Q31.
    """

    analysis_window: Words
    synthesis_window: Words
    fft_twiddles: Words
    fft_split: Words
    mel: BandedMatrix
    mel_weights: Words
    bins: BandedMatrix
    bins_weights: Words


@dataclass(frozen=True)
class MaskScale:
    """gain = (mask − zero point) · multiplier · 2^(exponent − 31); mask − zero point fits int32 after a shift up by `shift`."""

    multiplier: int
    exponent: int
    shift: int


def fixed_point_tables(config: Chain) -> FixedPointTables:
    """All tables of a front end. Values of 1 in Q31 become 1 − 2⁻³¹."""
    mel, bins = analysis_bank(config), gains_bank(config)
    return FixedPointTables(
        analysis_window=_fixed(analysis_window(config), 29),
        synthesis_window=_fixed(synthesis_window(config), 30),
        fft_twiddles=_pairs(twiddle_angles(config.n_fft)),
        fft_split=_pairs(split_angles(config.n_fft)),
        mel=mel,
        mel_weights=_fixed(mel.weights, 29),
        bins=bins,
        bins_weights=_fixed(bins.weights, 31),
    )


def exponent_q31(exponent: float) -> int:
    """The exponent of the compression, in (0, 1]."""
    return min(round(exponent * 2**31), 2**31 - 1)


def feature_scale_log2(scale: float) -> int:
    """log₂ of the features' scale in Q24."""
    return round(min(max(math.log2(scale), -MAX_OCTAVES), MAX_OCTAVES) * 2**24)


def mask_scale(scale: float, zero_point: int, dtype: str) -> MaskScale:
    """How masks of type int16 or int8 become gains."""
    mantissa, exponent = math.frexp(scale)
    multiplier = round(mantissa * 2**31)
    if multiplier == 2**31:
        multiplier, exponent = 2**30, exponent + 1
    info = np.iinfo(dtype)
    low, high = int(info.min) - zero_point, int(info.max) - zero_point
    shift = next(s for s in range(31, -1, -1) if low << s >= -(2**31) and high << s < 2**31)
    return MaskScale(multiplier, exponent, shift)


def _fixed(values: npt.NDArray[np.floating], fraction_bits: int) -> Words:
    scaled = np.rint(values.astype(np.float64) * 2.0**fraction_bits)
    return np.minimum(scaled, 2.0**31 - 1).astype(np.int32)


def _pairs(angles: npt.NDArray[np.float64]) -> Words:
    """(cos, −sin) in Q30."""
    pairs = _fixed(np.stack([np.cos(angles), -np.sin(angles)], axis=-1).ravel(), 30)
    return pairs if pairs.size else np.zeros(1, np.int32)

# SPDX-License-Identifier: Apache-2.0
"""Functions of float32 in NumPy, in the operation order of docs/numerics.md: every bit as runtime/dsp computes it."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from codesign.compiler.frontend.mel import BandedMatrix

Float = npt.NDArray[np.float32]

_ROUND = np.float32(12582912.0)
_SQRT_HALF = np.int32(0x3F3504F3)
_LOG2 = (
    0.1254277378320694,
    -0.21028970181941986,
    0.21736575663089752,
    -0.23852120339870453,
    0.2876587510108948,
    -0.3607211410999298,
    0.4809224307537079,
    -0.7213471531867981,
    1.442694902420044,
)
_EXP2 = (
    0.0001534581242594868,
    0.0013399930903688073,
    0.009618489071726799,
    0.05550328642129898,
    0.24022646248340607,
    0.6931471824645996,
    1.0,
)


_ATAN = (
    -0.0017539301188662648,
    0.010726943612098694,
    -0.030804596841335297,
    0.05755210295319557,
    -0.0837731584906578,
    0.1094203069806099,
    -0.142619326710701,
    0.1999826580286026,
    -0.3333328366279602,
    1.0,
)
_TURN = np.float32(np.pi)
_LEAST = np.float32(2.0**-126)


def phase_of(im: Float, re: Float) -> Float:
    """The angle of complex float32 in radians, by a polynomial of the smaller part over the larger; 0 of 0, −π of a negative
    real number. Its error is below 5e-7.
    """
    along, across = np.abs(re), np.abs(im)
    steep = along < across
    large, small = np.where(steep, across, along), np.where(steep, along, across)
    slope = np.asarray(small / np.where(large > _LEAST, large, _LEAST), np.float32)
    angle = _polynomial(_ATAN, slope * slope) * slope
    angle = np.where(steep, _TURN * np.float32(0.5) - angle, angle)
    angle = np.where(re < 0, _TURN - angle, angle)
    return np.where(im > 0, angle, np.float32(0.0) - angle)


def power_of(x: Float, exponent: float) -> Float:
    """x^exponent of float32 in 2⁻⁴⁰ … 2¹²⁷, as exp2(exponent · log2(x)) by polynomials; relative error below 3e-7."""
    p = np.float32(exponent)
    high = (p.view(np.int32) & np.int32(-4096)).view(np.float32)
    bits = x.astype(np.float32).view(np.int32)
    octave = (bits - _SQRT_HALF) >> 23
    t = (bits - (octave << 23)).view(np.float32) - np.float32(1.0)
    e = octave.astype(np.float32)
    coarse, fine = high * e, p * (_polynomial(_LOG2, t) * t)
    whole = ((coarse + fine) + _ROUND) - _ROUND
    f = ((coarse - whole) + (p - high) * e) + fine
    return (_polynomial(_EXP2, f).view(np.int32) + (whole.astype(np.int32) << 23)).view(np.float32)


def logarithm(x: Float, offset: np.float32, floor: np.float32, scale: np.float32) -> Float:
    """Scale · log2(max(x + offset, floor)) of float32, by the polynomial of `power_of`."""
    high = (scale.view(np.int32) & np.int32(-4096)).view(np.float32)
    bits = np.maximum(x + offset, floor).view(np.int32)
    octave = (bits - _SQRT_HALF) >> 23
    t = (bits - (octave << 23)).view(np.float32) - np.float32(1.0)
    e = octave.astype(np.float32)
    return np.asarray(high * e + (scale * (_polynomial(_LOG2, t) * t) + (scale - high) * e))


def log2_of(x: Float) -> Float:
    """log2 of positive float32, by the polynomial of `power_of`."""
    bits = x.view(np.int32)
    octave = (bits - _SQRT_HALF) >> 23
    t = (bits - (octave << 23)).view(np.float32) - np.float32(1.0)
    return octave.astype(np.float32) + _polynomial(_LOG2, t) * t


def exp2_of(x: Float) -> Float:
    """2^x of float32 within ±100, by the polynomial of `power_of`."""
    whole = (x + _ROUND) - _ROUND
    return (_polynomial(_EXP2, x - whole).view(np.int32) + (whole.astype(np.int32) << 23)).view(np.float32)


def banded_sums(matrix: BandedMatrix, x: Float) -> Float:
    """Rows of x (frames, columns) times the matrix: (frames, rows), each sum in ascending order of columns from 0.0."""
    sums = np.zeros((len(x), matrix.rows), np.float32)
    starts = matrix.start.astype(np.int64)
    lengths = matrix.length.astype(np.int64)
    offsets = np.concatenate([[0], np.cumsum(lengths)[:-1]])
    for step in range(int(lengths.max())):
        rows = np.flatnonzero(lengths > step)
        sums[:, rows] += matrix.weights[offsets[rows] + step] * x[:, starts[rows] + step]
    return sums


def _polynomial(coefficients: tuple[float, ...], x: Float) -> Float:
    """Horner's rule, highest power first, a multiplication and an addition a step."""
    p = np.full_like(x, np.float32(coefficients[0]))
    for coefficient in coefficients[1:]:
        p = p * x + np.float32(coefficient)
    return p

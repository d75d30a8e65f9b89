# SPDX-License-Identifier: Apache-2.0
"""The front end in NumPy, float32, in the operation order of docs/numerics.md: every bit as runtime/dsp computes it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from codesign.compiler.frontend import FrontEnd, analysis_window, mel_analysis, mel_synthesis, synthesis_window
from codesign.compiler.frontend.fft_tables import fft_split, fft_twiddles, radix4_lengths
from codesign.compiler.frontend.mel import BandedMatrix

Float = npt.NDArray[np.float32]
_Scalar = TypeVar("_Scalar", bound=np.generic)
FLOOR = np.float32(2.0**-40)
"""Bands below this are silence."""

_BLOCK = 1024  # frames transformed at a time: bounds the memory that long recordings take
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


@dataclass(frozen=True)
class Analysis:
    """`spectrum` float32 (frames, n_bins, 2) holds real and imaginary parts, `features` float32 (frames, n_mels)."""

    spectrum: Float
    features: Float


def analyse(config: FrontEnd, pcm: npt.NDArray[np.int16]) -> Analysis:
    """Spectra and features of int16 PCM of whole hops, shape (frames · hop,).

    Frame t covers the samples (t+1)·hop − window … (t+1)·hop − 1; samples before the first are zero.

    Raises:
        ValueError: the length is not a multiple of the hop, or zero.
    """
    if pcm.size == 0 or pcm.size % config.hop:
        raise ValueError(f"{pcm.size} samples are not one or more whole hops of {config.hop}")
    tail = config.window - config.hop
    padded = np.concatenate([np.zeros(tail, np.int16), pcm.astype(np.int16, copy=False)])
    frames = np.lib.stride_tricks.sliding_window_view(padded, config.window)[:: config.hop]
    bank, window = mel_analysis(config), analysis_window(config)
    spectra, features = [], []
    for block in _blocks(frames):
        x = np.zeros((len(block), config.n_fft), np.float32)
        x[:, : config.window] = block.astype(np.float32) * np.float32(1.0 / 32768.0) * window
        spectrum = rfft(x)
        power = spectrum[..., 0] * spectrum[..., 0] + spectrum[..., 1] * spectrum[..., 1]
        bands = banded_sums(bank, power if config.feature == "mel_power" else np.sqrt(power))
        spectra.append(spectrum)
        features.append(power_of(np.where(bands < FLOOR, FLOOR, bands), config.exponent))
    return Analysis(np.concatenate(spectra), np.concatenate(features))


def quantize_features(features: Float, scale: float, zero_point: int) -> npt.NDArray[np.int8]:
    """clamp(rne(features / scale) + zero_point, −127, 127), int8 of the same shape; the division in float32."""
    with np.errstate(over="ignore"):  # of a tiny scale, as in C
        scaled = np.minimum(features / np.float32(scale), np.float32(1024.0))
    integers: npt.NDArray[np.int32] = np.rint(scaled).astype(np.int32) + np.int32(zero_point)
    return integers.clip(-127, 127).astype(np.int8)


def synthesise(config: FrontEnd, spectrum: Float, gains: Float) -> npt.NDArray[np.int16]:
    """PCM of masked spectra: int16 (frames · hop,), delayed by window − hop samples.

    spectrum float32 (frames, n_bins, 2); gains float32 (frames, n_mels), the mask's real values.
    """
    window, bank = synthesis_window(config), mel_synthesis(config)
    tail, hop = config.window - config.hop, config.hop
    overlap = np.zeros(tail, np.float32)
    output = np.empty((len(spectrum), hop), np.float32)
    frame = 0
    for block, gain_block in zip(_blocks(spectrum), _blocks(gains.astype(np.float32)), strict=True):
        masked = block * banded_sums(bank, gain_block)[..., None]
        weighted = irfft(masked)[:, : config.window] * window
        for y in weighted:
            output[frame] = overlap[:hop] + y[:hop]
            overlap = np.concatenate([overlap[hop:] + y[hop:tail], y[tail:]])
            frame += 1
    limited = (output * np.float32(32768.0)).clip(np.float32(-32768.0), np.float32(32767.0))
    pcm: npt.NDArray[np.int16] = np.rint(limited).astype(np.int16)
    return pcm.reshape(-1)


def rfft(x: Float) -> Float:
    """Real FFT of float32 (frames, n), n = 2^k ≥ 16: real and imaginary parts, float32 (frames, n/2 + 1, 2)."""
    n = x.shape[1]
    half, quarter = n // 2, n // 4
    re, im = _complex_fft(x[:, 0::2], x[:, 1::2], n)
    w = fft_split(n).reshape(-1, 2)[1:]
    k, m = np.arange(1, quarter + 1), half - np.arange(1, quarter + 1)
    point5 = np.float32(0.5)
    even_re, even_im = point5 * (re[:, k] + re[:, m]), point5 * (im[:, k] - im[:, m])
    odd = point5 * (im[:, k] + im[:, m]), point5 * (re[:, m] - re[:, k])
    odd_re, odd_im = _times(*odd, w[:, 0], w[:, 1])
    result = np.zeros((len(x), half + 1, 2), np.float32)
    result[:, m] = np.stack([even_re - odd_re, odd_im - even_im], axis=-1)
    result[:, k] = np.stack([even_re + odd_re, even_im + odd_im], axis=-1)
    result[:, 0, 0] = re[:, 0] + im[:, 0]
    result[:, half, 0] = re[:, 0] - im[:, 0]
    return result


def irfft(spectrum: Float) -> Float:
    """Inverse of `rfft`, 1/n included: float32 (frames, n). Imaginary parts of the first and last bin are ignored."""
    half = spectrum.shape[1] - 1
    n, quarter = 2 * half, half // 2
    scale = np.float32(1.0 / n)
    re, im = spectrum[..., 0], spectrum[..., 1]
    w = fft_split(n).reshape(-1, 2)[1:]
    k, m = np.arange(1, quarter + 1), half - np.arange(1, quarter + 1)
    even_re, even_im = scale * (re[:, k] + re[:, m]), scale * (im[:, k] - im[:, m])
    odd = scale * (re[:, k] - re[:, m]), scale * (im[:, k] + im[:, m])
    odd_re, odd_im = _times(*odd, w[:, 0], -w[:, 1])
    z_re = np.empty((len(spectrum), half), np.float32)
    z_im = np.empty_like(z_re)
    # Point k goes to n/2 − k: the forward transform of the reversed order is the inverse.
    z_re[:, k], z_im[:, k] = even_re + odd_im, odd_re - even_im
    z_re[:, m], z_im[:, m] = even_re - odd_im, even_im + odd_re
    z_re[:, 0], z_im[:, 0] = scale * (re[:, 0] + re[:, half]), scale * (re[:, 0] - re[:, half])
    return np.stack(_complex_fft(z_re, z_im, n), axis=-1).reshape(len(spectrum), n)


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


def _complex_fft(re: Float, im: Float, n_fft: int) -> tuple[Float, Float]:
    """Stockham radix-4 (decimation in frequency) of (frames, n_fft/2) points, unscaled."""
    frames, n, stride = len(re), n_fft // 2, 1
    table = fft_twiddles(n_fft)
    for length in radix4_lengths(n_fft):
        quarter = length // 4
        w = table[: 6 * (quarter - 1)].reshape(quarter - 1, 3, 2)
        table = table[6 * (quarter - 1) :]
        a_re, b_re, c_re, d_re = np.moveaxis(re.reshape(frames, 4, quarter, stride), 1, 0)
        a_im, b_im, c_im, d_im = np.moveaxis(im.reshape(frames, 4, quarter, stride), 1, 0)
        ac, bd = (a_re + c_re, a_im + c_im), (b_re + d_re, b_im + d_im)
        a_c, b_d = (a_re - c_re, a_im - c_im), (b_re - d_re, b_im - d_im)
        minus = a_c[0] - b_d[1], a_c[1] + b_d[0]
        plus = a_c[0] + b_d[1], a_c[1] - b_d[0]
        rows = (
            (ac[0] + bd[0], ac[1] + bd[1]),
            plus,
            (ac[0] - bd[0], ac[1] - bd[1]),
            minus,
        )
        out_re, out_im = (np.empty((frames, quarter, 4, stride), np.float32) for _ in range(2))
        for row, (y_re, y_im) in enumerate(rows):
            out_re[:, :, row], out_im[:, :, row] = y_re, y_im
            if row > 0:  # the factors of p = 0 are one: no multiplication there
                w_re, w_im = w[:, row - 1, 0, None], w[:, row - 1, 1, None]
                out_re[:, 1:, row], out_im[:, 1:, row] = _times(y_re[:, 1:], y_im[:, 1:], w_re, w_im)
        re, im = out_re.reshape(frames, n), out_im.reshape(frames, n)
        stride *= 4
    if stride < n:
        re, im = (np.concatenate([v[:, :stride] + v[:, stride:], v[:, :stride] - v[:, stride:]], axis=1) for v in (re, im))
    return re, im


def _times(re: Float, im: Float, w_re: Float, w_im: Float) -> tuple[Float, Float]:
    return re * w_re - im * w_im, re * w_im + im * w_re


def _polynomial(coefficients: tuple[float, ...], x: Float) -> Float:
    """Horner's rule, highest power first, a multiplication and an addition a step."""
    p = np.full_like(x, np.float32(coefficients[0]))
    for coefficient in coefficients[1:]:
        p = p * x + np.float32(coefficient)
    return p


def _blocks(frames: npt.NDArray[_Scalar]) -> Iterator[npt.NDArray[_Scalar]]:
    for start in range(0, len(frames), _BLOCK):
        yield frames[start : start + _BLOCK]

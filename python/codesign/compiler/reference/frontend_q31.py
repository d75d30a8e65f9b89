# SPDX-License-Identifier: Apache-2.0
"""The fixed-point front end in NumPy: every bit as runtime/dsp/*_q31.c computes it, in the integers of docs/numerics.md."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from codesign.compiler.frontend import Chain
from codesign.compiler.frontend.fft_tables import radix4_lengths
from codesign.compiler.frontend.hops import check_hops
from codesign.compiler.frontend.mel import BandedMatrix
from codesign.compiler.frontend.q31 import (
    FixedPointTables,
    MaskScale,
    exponent_q31,
    feature_scale_log2,
    fixed_point_tables,
    mask_scale,
)
from codesign.compiler.layers import Value
from codesign.compiler.reference.tables_q31 import chord

Ints = npt.NDArray[np.int64]
_BLOCK = 1024  # frames transformed at a time: bounds the memory that long recordings take
_ONE = 1 << 24
_SILENCE = -40 * _ONE
_LIMIT = (1 << 30) - 1
_MANY_BITS = 64


@dataclass(frozen=True)
class FixedSpectrum:
    """`values` int32 (frames, n_bins, 2): X · 2^(12 + gain) / n_fft of samples in [−1, 1); `gain` int64 (frames,)."""

    values: npt.NDArray[np.int32]
    gain: Ints


def analyse_q31(config: Chain, pcm: npt.NDArray[np.int16]) -> FixedSpectrum:
    """Spectra of int16 PCM of whole hops, shape (frames · hop,); frames as in reference.frontend.analyse.

    Raises:
        ValueError: the length is not a multiple of the hop, or zero.
    """
    check_hops(pcm, config.hop)
    tables = fixed_point_tables(config)
    padded = np.concatenate([np.zeros(config.window - config.hop, np.int16), pcm.astype(np.int16, copy=False)])
    frames = np.lib.stride_tricks.sliding_window_view(padded, config.window)[:: config.hop]
    spectra, gains = [], []
    for block in _blocks(len(frames)):
        s = frames[block].astype(np.int64)
        gain = leading_zeros(np.bitwise_or.reduce(_bits(s), axis=1)) - 1
        x = np.zeros((len(s), config.n_fft), np.int64)
        x[:, : config.window] = multiply_high(s << gain[:, None], tables.analysis_window)
        spectra.append(rfft_q31(x, tables.fft_twiddles, tables.fft_split).astype(np.int32))
        gains.append(gain)
    return FixedSpectrum(np.concatenate(spectra), np.concatenate(gains))


def features_q31(config: Chain, spectrum: FixedSpectrum, feature: Value) -> npt.NDArray[np.int8]:
    """The network's input, int8 (frames, n_features), of the scale and zero point of `feature`."""
    tables = fixed_point_tables(config)
    scale, exponent = feature_scale_log2(feature.scale), exponent_q31(config.exponent)
    log2_n = config.n_fft.bit_length() - 1
    features = []
    for block in _blocks(len(spectrum.gain)):
        power, shift = _squares(spectrum.values[block].astype(np.int64))
        octaves = log2_n - spectrum.gain[block, None]
        if config.of_power:
            bands, least = _power_sums(tables.mel, tables.mel_weights, power, shift)
            wide = bands >= 1 << 32
            mantissa = np.where(wide, bands >> 16, bands)
            band = log2_q24(mantissa) + ((2 * octaves + 12 - 2 * least + np.where(wide, 16, 0)) << 24)
        else:
            bands = _banded(tables.mel, tables.mel_weights, _magnitudes(power, shift))
            band = log2_q24(bands) + ((octaves - 9) << 24)
        band = np.maximum(np.where(bands == 0, _SILENCE, band), _SILENCE)
        steps = np.clip(multiply_high(band << 1, exponent) - scale, -2 * _ONE, 10 * _ONE - 1)
        whole, part = steps >> 24, steps & (_ONE - 1)
        mantissa = chord("exp2", part >> 17, (part >> 3) & 0x3FFF)
        rounded = (mantissa + (1 << (23 - whole))) >> (24 - whole)
        features.append(np.clip(rounded + feature.zero_point, -128, 127).astype(np.int8))
    return np.concatenate(features)


def synthesise_q31(
    config: Chain, spectrum: FixedSpectrum, mask: npt.NDArray[np.integer], value: Value
) -> npt.NDArray[np.int16]:
    """PCM of masked spectra: int16 (frames · hop,), delayed by window − hop samples.

    mask: integers (frames, n_features) of the type, scale and zero point of `value`.
    """
    tables, scale = fixed_point_tables(config), mask_scale(value.scale, value.zero_point, value.dtype)
    log2_n, tail, hop = config.n_fft.bit_length() - 1, config.window - config.hop, config.hop
    overlap = np.zeros(tail, np.int64)
    output = np.empty((len(mask), hop), np.int64)
    frame = 0
    for block in _blocks(len(mask)):
        gains = bin_gains_q31(tables, scale, mask[block], value.zero_point)
        masked = multiply_high(spectrum.values[block].astype(np.int64), gains[..., None])
        headroom, bits = spread_of(masked, config.n_fft)
        y, risen = irfft_q31(masked << headroom[:, None, None], bits, tables.fft_twiddles, tables.fft_split)
        up = 50 + log2_n - (scale.shift - 1 - scale.exponent) - spectrum.gain[block] - headroom - risen
        raised, lowered = np.clip(up, 0, 29)[:, None], np.clip(-up, 0, 31)[:, None]
        product = multiply_high(y[:, : config.window], tables.synthesis_window)
        weighted = (np.clip(product, -(_LIMIT >> raised), _LIMIT >> raised) << raised) >> lowered
        for v in weighted:
            output[frame] = _limited(overlap[:hop] + v[:hop])
            overlap = np.concatenate([_limited(overlap[hop:] + v[hop:tail]), v[tail:]])
            frame += 1
    pcm: npt.NDArray[np.int16] = np.clip((output + (1 << 11)) >> 12, -32768, 32767).astype(np.int16)
    return pcm.reshape(-1)


def bin_gains_q31(tables: FixedPointTables, scale: MaskScale, mask: npt.NDArray[np.integer], zero_point: int) -> Ints:
    """Gains (frames, n_bins) of a mask, integers (frames, n_outputs), with shift − 1 − exponent bits after the point."""
    bands = multiply_high((mask.astype(np.int64) - zero_point) << scale.shift, scale.multiplier)
    return np.asarray(_banded(tables.bins, tables.bins_weights, bands) << 1)


def spread_of(spectrum: Ints, n_fft: int) -> tuple[Ints, Ints]:
    """Headroom and bits of spectra (frames, n_bins, 2), as of a cs_spread_q31: (frames,) each."""
    headroom = leading_zeros(np.bitwise_or.reduce(_bits(spectrum), axis=(1, 2))) - 4
    eighths = (_bits(spectrum).sum(axis=2) >> 3).sum(axis=1) + n_fft
    return headroom, headroom + 35 - leading_zeros(eighths)


def multiply_high(a: npt.ArrayLike, b: npt.ArrayLike) -> Ints:
    """⌊a · b / 2^32⌋ of int32 values."""
    return np.asarray((np.asarray(a, np.int64) * np.asarray(b, np.int64)) >> 32)


def leading_zeros(bits: Ints) -> Ints:
    """Zeros above the highest bit of bits | 1, as uint32."""
    _, length = np.frexp((bits | 1).astype(np.float64))
    return 32 - length.astype(np.int64)


def log2_q24(m: Ints) -> Ints:
    """log₂ of integers 1 … 2^32 − 1, of any shape, in Q24, by chords; 0 is taken for 1."""
    m = np.maximum(m, 1)
    zeros = leading_zeros(m)
    m = m << zeros
    return np.asarray(((31 - zeros) << 24) + chord("log2", (m >> 24) & 0x7F, (m >> 10) & 0x3FFF))


def rfft_q31(x: Ints, twiddles: npt.NDArray[np.int32], split: npt.NDArray[np.int32]) -> Ints:
    """1/n of the real FFT of (frames, n), |x| ≤ 2^28: real and imaginary parts (frames, n/2 + 1, 2). Tables in Q30."""
    n = x.shape[1]
    half, quarter = n // 2, n // 4
    re, im, _ = _complex_fft(x[:, 0::2], x[:, 1::2], np.full(len(x), _MANY_BITS), n, twiddles)
    w = split.astype(np.int64).reshape(-1, 2)[1:]
    k, m = np.arange(1, quarter + 1), half - np.arange(1, quarter + 1)
    even_re, even_im = (re[:, k] + re[:, m]) >> 2, (im[:, k] - im[:, m]) >> 2
    odd_re, odd_im = im[:, k] + im[:, m], re[:, m] - re[:, k]
    turned_re, turned_im = _times(odd_re, odd_im, w[:, 0], w[:, 1])
    result = np.zeros((len(x), half + 1, 2), np.int64)
    result[:, m] = np.stack([even_re - turned_re, turned_im - even_im], axis=-1)
    result[:, k] = np.stack([even_re + turned_re, even_im + turned_im], axis=-1)
    result[:, 0, 0] = (re[:, 0] + im[:, 0]) >> 1
    result[:, half, 0] = (re[:, 0] - im[:, 0]) >> 1
    return result


def irfft_q31(spectrum: Ints, bits: Ints, twiddles: npt.NDArray[np.int32], split: npt.NDArray[np.int32]) -> tuple[Ints, Ints]:
    """2^up/(2n) of the sum over all n bins, (frames, n), of (frames, n/2 + 1, 2) below 2^28; and up (frames,). Tables in Q30.

    The absolute values of a frame add up to less than 2^bits, bits (frames,).
    """
    half = spectrum.shape[1] - 1
    n, quarter = 2 * half, half // 2
    re, im = spectrum[..., 0], spectrum[..., 1]
    w = split.astype(np.int64).reshape(-1, 2)[1:]
    k, m = np.arange(1, quarter + 1), half - np.arange(1, quarter + 1)
    even_re, even_im = (re[:, k] + re[:, m]) >> 2, (im[:, k] - im[:, m]) >> 2
    odd_re, odd_im = re[:, k] - re[:, m], im[:, k] + im[:, m]
    turned_re = multiply_high(odd_re, w[:, 0]) + multiply_high(odd_im, w[:, 1])
    turned_im = multiply_high(odd_im, w[:, 0]) - multiply_high(odd_re, w[:, 1])
    z_re = np.empty((len(spectrum), half), np.int64)
    z_im = np.empty_like(z_re)
    # Point k goes to n/2 − k: the forward transform of the reversed order is the inverse.
    z_re[:, k], z_im[:, k] = even_re + turned_im, turned_re - even_im
    z_re[:, m], z_im[:, m] = even_re - turned_im, even_im + turned_re
    z_re[:, 0], z_im[:, 0] = (re[:, 0] + re[:, half]) >> 2, (re[:, 0] - re[:, half]) >> 2
    re, im, up = _complex_fft(z_re, z_im, bits, n, twiddles)
    return np.stack([re, im], axis=-1).reshape(len(spectrum), n), up


def _complex_fft(re: Ints, im: Ints, bits: Ints, n_fft: int, twiddles: npt.NDArray[np.int32]) -> tuple[Ints, Ints, Ints]:
    """Stockham radix-4 (decimation in frequency) of (frames, n_fft/2) points whose magnitudes add up to less than 2^bits.

    Each stage divides by its radix, after a shift up as far as the sum of the magnitudes allows. Returns also how far in all.
    """
    frames, n, stride = len(re), n_fft // 2, 1
    risen = np.zeros(frames, np.int64)
    table = twiddles.astype(np.int64)
    for length in radix4_lengths(n_fft):
        quarter = length // 4
        w = table[: 6 * (quarter - 1)].reshape(quarter - 1, 3, 2)
        table = table[6 * (quarter - 1) :]
        up = np.maximum(29 - bits, 0)
        bits, risen = bits + up - 2, risen + up
        re, im = re << up[:, None], im << up[:, None]
        a_re, b_re, c_re, d_re = np.moveaxis(re.reshape(frames, 4, quarter, stride), 1, 0)
        a_im, b_im, c_im, d_im = np.moveaxis(im.reshape(frames, 4, quarter, stride), 1, 0)
        rows = (
            ((a_re + c_re) + (b_re + d_re), (a_im + c_im) + (b_im + d_im)),
            ((a_re - c_re) + (b_im - d_im), (a_im - c_im) - (b_re - d_re)),
            ((a_re + c_re) - (b_re + d_re), (a_im + c_im) - (b_im + d_im)),
            ((a_re - c_re) - (b_im - d_im), (a_im - c_im) + (b_re - d_re)),
        )
        out_re, out_im = (np.empty((frames, quarter, 4, stride), np.int64) for _ in range(2))
        for row, (y_re, y_im) in enumerate(rows):
            out_re[:, :, row], out_im[:, :, row] = y_re >> 2, y_im >> 2
            if row > 0:  # the factors of p = 0 are one
                w_re, w_im = w[:, row - 1, 0, None], w[:, row - 1, 1, None]
                out_re[:, 1:, row], out_im[:, 1:, row] = _times(y_re[:, 1:], y_im[:, 1:], w_re, w_im)
        re, im = out_re.reshape(frames, n), out_im.reshape(frames, n)
        stride *= 4
    if stride < n:
        up = np.maximum(29 - bits, 0)
        risen = risen + up
        re, im = re << up[:, None], im << up[:, None]
        re, im = (
            np.concatenate([(v[:, :stride] + v[:, stride:]) >> 1, (v[:, :stride] - v[:, stride:]) >> 1], axis=1)
            for v in (re, im)
        )
    return re, im, risen


def _times(re: Ints, im: Ints, w_re: Ints, w_im: Ints) -> tuple[Ints, Ints]:
    """A quarter of the product with a factor in Q30."""
    real = multiply_high(re, w_re) - multiply_high(im, w_im)
    return real, multiply_high(re, w_im) + multiply_high(im, w_re)


def _squares(spectrum: Ints) -> tuple[Ints, Ints]:
    """(power, shift), both (frames, n_bins): |X|² = power · 2^(33 − 2·shift)."""
    shift = leading_zeros(np.bitwise_or.reduce(_bits(spectrum), axis=-1)) - 1
    up = spectrum << shift[..., None]
    return multiply_high(up, up).sum(axis=-1) >> 1, shift


def _magnitudes(power: Ints, shift: Ints) -> Ints:
    small = power < 1 << 29
    normal = np.where(small, power << 3, power << 1)
    root = chord("sqrt", np.maximum((normal >> 24) - 64, 0), (normal >> 10) & 0x3FFF)
    return np.where(power == 0, 0, (root << 7) >> (shift - 1 + small))


def _banded(matrix: BandedMatrix, weights: npt.NDArray[np.int32], x: Ints) -> Ints:
    """Rows of x (frames, columns) times the matrix, the high word of each product: (frames, rows)."""
    columns, _, first = _pattern(matrix)
    return np.asarray(np.add.reduceat(multiply_high(x[:, columns], weights), first, axis=1))


def _power_sums(matrix: BandedMatrix, weights: npt.NDArray[np.int32], power: Ints, shift: Ints) -> tuple[Ints, Ints]:
    """As `_banded`, at the least shift of each row: (sums, shift), both (frames, rows)."""
    columns, rows, first = _pattern(matrix)
    least = np.minimum.reduceat(shift[:, columns], first, axis=1)
    down = np.clip(2 * (shift[:, columns] - least[:, rows]), 0, 31)
    sums = np.add.reduceat(multiply_high(power[:, columns], weights) >> down, first, axis=1)
    return sums, least


def _pattern(matrix: BandedMatrix) -> tuple[Ints, Ints, Ints]:
    """Column and row of every weight; the first weight of every row."""
    length = matrix.length.astype(np.int64)
    columns = np.concatenate([np.arange(s, s + n) for s, n in zip(matrix.start.tolist(), length.tolist(), strict=True)])
    return columns, np.repeat(np.arange(matrix.rows), length), np.concatenate([[0], np.cumsum(length)[:-1]])


def _bits(x: Ints) -> Ints:
    return np.asarray(x ^ (x >> 63))


def _limited(x: Ints) -> Ints:
    return np.clip(x, -_LIMIT, _LIMIT)


def _blocks(frames: int) -> Iterator[slice]:
    for start in range(0, frames, _BLOCK):
        yield slice(start, min(start + _BLOCK, frames))

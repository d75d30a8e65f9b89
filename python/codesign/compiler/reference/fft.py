# SPDX-License-Identifier: Apache-2.0
"""The real Fourier transform in NumPy, float32, every bit as runtime/dsp/cs_rfft.c and cs_rfft_mixed.c compute it."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from codesign.compiler.frontend.fft_tables import fft_split, fft_twiddles, is_power_of_two, mixed_radices, radix4_lengths

Float = npt.NDArray[np.float32]
_SIN_60 = np.float32(np.sin(np.pi / 3))
_COS_72, _COS_144 = (np.float32(np.cos(2 * np.pi * k / 5)) for k in (1, 2))
_SIN_72, _SIN_144 = (np.float32(np.sin(2 * np.pi * k / 5)) for k in (1, 2))


def rfft(x: Float) -> Float:
    """Real FFT of float32 (frames, n), any length of fft_tables: real and imaginary parts, float32 (frames, n/2 + 1, 2)."""
    n = x.shape[1]
    half, quarter = n // 2, n // 4
    re, im = complex_fft(x[:, 0::2], x[:, 1::2], n)
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
    return np.stack(complex_fft(z_re, z_im, n), axis=-1).reshape(len(spectrum), n)


def complex_fft(re: Float, im: Float, n_fft: int) -> tuple[Float, Float]:
    """Of (frames, n_fft/2) points, unscaled."""
    return (_radix4_fft if is_power_of_two(n_fft) else _mixed_fft)(re, im, n_fft)


def _radix4_fft(re: Float, im: Float, n_fft: int) -> tuple[Float, Float]:
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


def _mixed_fft(re: Float, im: Float, n_fft: int) -> tuple[Float, Float]:
    """Stockham (decimation in frequency) with stages of radix 4, 2, 3 and 5 of (frames, n_fft/2) points, unscaled."""
    frames, n, stride = len(re), n_fft // 2, 1
    table, length = fft_twiddles(n_fft), n
    for radix in mixed_radices(n_fft):
        part = length // radix
        w = table[: 2 * (radix - 1) * (part - 1)].reshape(part - 1, radix - 1, 2)
        table = table[2 * (radix - 1) * (part - 1) :]
        x = [
            np.moveaxis(v.reshape(frames, radix, part, stride), 1, 0)  # radix, then (frames, part, stride)
            for v in (re, im)
        ]
        rows = _SUMS[radix](list(zip(*x, strict=True)))
        out_re, out_im = (np.empty((frames, part, radix, stride), np.float32) for _ in range(2))
        for row, (y_re, y_im) in enumerate(rows):
            out_re[:, :, row], out_im[:, :, row] = y_re, y_im
            if row > 0:
                w_re, w_im = w[:, row - 1, 0, None], w[:, row - 1, 1, None]
                out_re[:, 1:, row], out_im[:, 1:, row] = _times(y_re[:, 1:], y_im[:, 1:], w_re, w_im)
        re, im = out_re.reshape(frames, n), out_im.reshape(frames, n)
        stride, length = stride * radix, part
    return re, im


_Points = list[tuple[Float, Float]]


def _sums2(x: _Points) -> _Points:
    return [_plus(x[0], x[1]), _minus(x[0], x[1])]


def _sums3(x: _Points) -> _Points:
    sums, differences = _plus(x[1], x[2]), _minus(x[1], x[2])
    middle = _minus(x[0], _by(np.float32(0.5), sums))
    turned = _by(_SIN_60, differences)
    return [_plus(x[0], sums), _minus_i(middle, turned), _plus_i(middle, turned)]


def _sums4(x: _Points) -> _Points:
    ac, bd = _plus(x[0], x[2]), _plus(x[1], x[3])
    a_c, b_d = _minus(x[0], x[2]), _minus(x[1], x[3])
    return [_plus(ac, bd), _minus_i(a_c, b_d), _minus(ac, bd), _plus_i(a_c, b_d)]


def _sums5(x: _Points) -> _Points:
    outer, inner = _plus(x[1], x[4]), _plus(x[2], x[3])
    d_outer, d_inner = _minus(x[1], x[4]), _minus(x[2], x[3])
    first = _plus(_plus(x[0], _by(_COS_72, outer)), _by(_COS_144, inner))
    second = _plus(_plus(x[0], _by(_COS_144, outer)), _by(_COS_72, inner))
    t_first = _plus(_by(_SIN_72, d_outer), _by(_SIN_144, d_inner))
    t_second = _minus(_by(_SIN_144, d_outer), _by(_SIN_72, d_inner))
    rest = _minus_i(first, t_first), _minus_i(second, t_second), _plus_i(second, t_second), _plus_i(first, t_first)
    return [_plus(x[0], _plus(outer, inner)), *rest]


_SUMS = {2: _sums2, 3: _sums3, 4: _sums4, 5: _sums5}


def _plus(a: tuple[Float, Float], b: tuple[Float, Float]) -> tuple[Float, Float]:
    return a[0] + b[0], a[1] + b[1]


def _minus(a: tuple[Float, Float], b: tuple[Float, Float]) -> tuple[Float, Float]:
    return a[0] - b[0], a[1] - b[1]


def _by(factor: np.float32, a: tuple[Float, Float]) -> tuple[Float, Float]:
    return factor * a[0], factor * a[1]


def _minus_i(a: tuple[Float, Float], b: tuple[Float, Float]) -> tuple[Float, Float]:
    """A − i·b"""
    return a[0] + b[1], a[1] - b[0]


def _plus_i(a: tuple[Float, Float], b: tuple[Float, Float]) -> tuple[Float, Float]:
    """A + i·b"""
    return a[0] - b[1], a[1] + b[0]


def _times(re: Float, im: Float, w_re: Float, w_im: Float) -> tuple[Float, Float]:
    return re * w_re - im * w_im, re * w_im + im * w_re

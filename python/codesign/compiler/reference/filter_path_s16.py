# SPDX-License-Identifier: Apache-2.0
"""The filter path with taps and samples of 16 bits: every bit as cs_filter_*_s16.c and *_q31.c of runtime/dsp compute it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from codesign.compiler.frontend import Chain
from codesign.compiler.frontend.filter_path import early_taper, filter_delay, fixed_step, in_q31, taper
from codesign.compiler.frontend.q31 import fixed_point_tables, mask_scale
from codesign.compiler.layers import Value
from codesign.compiler.reference.filter_path import convolved, timing_of
from codesign.compiler.reference.frontend_q31 import bin_gains_q31, irfft_q31, leading_zeros, multiply_high, spread_of

Ints = npt.NDArray[np.int64]
_ONE, _ONE_BITS = 1 << 14, 14


@dataclass(frozen=True)
class FixedFilters:
    """`taps` int16 in int64 (frames, taps), each row with `fraction` (frames,) bits after the point; sizes of a row add up to
    less than 2^15.
    """

    taps: Ints
    fraction: Ints


def fixed_filters(filters: npt.NDArray[np.float32]) -> FixedFilters:
    """Of filters in float32 (frames, taps)."""
    sums = np.zeros(len(filters), np.float32)
    for tap in filters.T:
        sums += np.abs(tap)
    bits = sums.view(np.int32).astype(np.int64)
    fraction = np.clip(141 - (bits >> 23) - ((bits & 0x7FFFFF) >= 0x7E0000), -16, 30)
    scale = ((fraction + 127) << 23).astype(np.int32).view(np.float32)
    scaled = np.rint((filters * scale[:, None]).clip(np.float32(-32767), np.float32(32767)))
    return FixedFilters(scaled.astype(np.int64), fraction)


def filters_q31(chain: Chain, mask: npt.NDArray[np.integer], value: Value) -> FixedFilters:
    """Filters of linear phase of what the network gave, integers (frames, n_outputs) of the type and scale of `value`."""
    tables, scale = fixed_point_tables(chain), mask_scale(value.scale, value.zero_point, value.dtype)
    delay = filter_delay(chain)
    gains = bin_gains_q31(tables, scale, mask, value.zero_point) >> 3
    spectrum = np.stack([gains, np.zeros_like(gains)], axis=-1)
    headroom, bits = spread_of(spectrum, chain.n_fft)
    y, risen = irfft_q31(spectrum << headroom[:, None, None], bits, tables.fft_twiddles, tables.fft_split)
    taps = np.zeros((len(mask), chain.taps), np.int64)
    taps[:, delay:] = multiply_high(y[:, : chain.taps - delay], in_q31(taper(chain)))
    taps[:, 1:delay] = multiply_high(y[:, :delay], in_q31(early_taper(chain)))[:, :0:-1]
    sums = np.abs(taps).sum(axis=1)
    length = np.where(sums >> 32 > 0, 64 - leading_zeros(sums >> 32), 32 - leading_zeros(sums & 0xFFFFFFFF))
    down = np.maximum(length - 15 + (sums << 7 >= 127 << length), 0)
    taps = (taps + (1 << down >> 1)[:, None]) >> down[:, None]
    fraction = headroom + risen + scale.shift - scale.exponent - 6 - down
    return FixedFilters(taps, fraction)


def filtered_s16(chain: Chain, pcm: npt.NDArray[np.int16], filters: FixedFilters) -> npt.NDArray[np.int16]:
    """int16 PCM (frames · hop,) through the filters, which come in as those of `reference.filter_path.filtered` do."""
    start = np.zeros((1, chain.taps), np.int64)
    start[0, filter_delay(chain)] = _ONE
    bank, times = np.concatenate([start, filters.taps]), timing_of(chain, pcm.size)
    fraction = np.concatenate([[_ONE_BITS], filters.fraction])
    signal = pcm.astype(np.int64)
    new = _eighths(convolved(signal, bank, times.newest), fraction[times.newest])
    before = times.newest - 1
    old = _eighths(convolved(signal, bank, before, times.fading), fraction[before[times.fading]])
    new[times.fading] = old + (((new[times.fading] - old) * (times.faded * fixed_step(chain))) >> 16)
    return np.asarray(np.clip((new + 128) >> 8, -32768, 32767), np.int16)


def _eighths(sums: Ints, fraction: Ints) -> Ints:
    """Sums with so many bits after the point in Q8."""
    up, down = np.clip(8 - fraction, 0, 30), np.clip(fraction - 8, 0, 31)
    return (np.clip(sums, -(1 << 30 >> up), 1 << 30 >> up) << up) >> down

# SPDX-License-Identifier: Apache-2.0
"""The filter path in NumPy, float32, in the operation order of docs/numerics.md: every bit as runtime/dsp computes it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from codesign.compiler.frontend import Chain
from codesign.compiler.frontend.filter_path import LEAST_GAIN, early_taper, fade_samples, filter_delay, filter_lag, taper
from codesign.compiler.frontend.float_functions import exp2_of, logarithm
from codesign.compiler.reference.fft import irfft

Float = npt.NDArray[np.float32]
_Number = TypeVar("_Number", np.float32, np.int64)


def filters_of(chain: Chain, gains: Float) -> Float:
    """Filters float32 (frames, taps) of gains float32 (frames, n_bins), of the chain's phase."""
    return _minimum_phase(chain, gains) if chain.phase == "minimum" else _linear_phase(chain, gains)


def _linear_phase(chain: Chain, gains: Float) -> Float:
    """The impulse response of the gains, even and centred at the filter's delay, times a Hann window or halves of two (the
    window method; Löllmann and Vary, 2007, for gains that change). The first tap is 0.
    """
    delay, response = filter_delay(chain), _even_response(gains)
    filters = np.zeros((len(gains), chain.taps), np.float32)
    filters[:, delay:] = response[:, : chain.taps - delay] * taper(chain)
    filters[:, 1:delay] = (response[:, :delay] * early_taper(chain))[:, :0:-1]
    return filters


def _minimum_phase(chain: Chain, gains: Float) -> Float:
    """The beginning of the impulse response of minimum phase: from the real cepstrum, folded, by the recursion of Oppenheim and
    Schafer, Discrete-Time Signal Processing, section 13.6.4; no complex logarithm and no second transform.
    """
    zero, one = np.float32(0), np.float32(1)
    cepstrum = _even_response(logarithm(gains, zero, np.float32(LEAST_GAIN), one))[:, : chain.taps]
    filters = np.zeros((len(gains), chain.taps), np.float32)
    filters[:, 0] = exp2_of(cepstrum[:, 0])
    twice_log = np.float32(2.0 * np.log(2.0))
    weighted = cepstrum * (np.arange(chain.taps, dtype=np.float32) * twice_log)
    for tap in range(1, chain.taps):
        total = np.zeros(len(gains), np.float32)
        for back in range(1, tap + 1):
            total += weighted[:, back] * filters[:, tap - back]
        filters[:, tap] = total / np.float32(tap)
    return filters


def _even_response(real: Float) -> Float:
    """The inverse transform of real bins (frames, n_bins): (frames, n_fft)."""
    return irfft(np.stack([real, np.zeros_like(real)], axis=-1))


def filtered(chain: Chain, pcm: npt.NDArray[np.int16], filters: Float) -> npt.NDArray[np.int16]:
    """int16 PCM (frames · hop,) through the filters of `filters_of`, as late as their phase makes it.

    Filter t, of the hop t, comes in `filter_lag` samples after that hop's end, in a linear fade. Until the first one the signal
    is only delayed.
    """
    start = np.zeros((1, chain.taps), np.float32)
    start[0, filter_delay(chain)] = 1.0
    bank, times = np.concatenate([start, filters]), timing_of(chain, pcm.size)
    new = convolved(pcm.astype(np.float32), bank, times.newest)
    old = convolved(pcm.astype(np.float32), bank, times.newest - 1, times.fading)
    share = times.faded.astype(np.float32) * np.float32(1.0 / fade_samples(chain))
    new[times.fading] = old + (new[times.fading] - old) * share
    limited = np.rint(new.clip(np.float32(-32768.0), np.float32(32767.0)))
    return np.asarray(limited.astype(np.int16))


@dataclass(frozen=True)
class FilterTiming:
    """Of each sample its `newest` filter, 0 the one at the start; the samples that are `fading` to it, and how far they are:
    `faded` of fade_samples.
    """

    newest: npt.NDArray[np.int64]
    fading: npt.NDArray[np.int64]
    faded: npt.NDArray[np.int64]


def timing_of(chain: Chain, samples: int) -> FilterTiming:
    """When which filter is used in so many samples."""
    since = np.arange(samples) - filter_lag(chain)
    newest, faded = since // chain.hop, since % chain.hop + 1
    fading = np.flatnonzero((faded <= fade_samples(chain)) & (newest > 0))
    return FilterTiming(np.maximum(newest, 0), fading, faded[fading])


def convolved(
    signal: npt.NDArray[_Number],
    bank: npt.NDArray[_Number],
    which: npt.NDArray[np.int64],
    at: npt.NDArray[np.int64] | None = None,
) -> npt.NDArray[_Number]:
    """Samples `at` (m,) of a signal (n,), all by default, each through its filter `which` (n,) of a bank (filters, taps):
    products of the signal's type are added in ascending order of taps from 0.
    """
    taps = bank.shape[1]
    past = np.concatenate([np.zeros(taps - 1, signal.dtype), signal])
    places = np.arange(signal.size) if at is None else at
    chosen = which[places]
    total = np.zeros(places.size, signal.dtype)
    for tap in range(taps):
        total += bank[chosen, tap] * past[places + (taps - 1 - tap)]
    return total

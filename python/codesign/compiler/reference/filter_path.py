# SPDX-License-Identifier: Apache-2.0
"""The filter path in NumPy, float32, in the operation order of docs/numerics.md: every bit as runtime/dsp computes it."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from codesign.compiler.frontend import Chain
from codesign.compiler.frontend.filter_path import fade_samples, filter_lag, taper
from codesign.compiler.reference.fft import irfft

Float = npt.NDArray[np.float32]


def filters_of(chain: Chain, gains: Float) -> Float:
    """Filters of linear phase float32 (frames, taps) of gains float32 (frames, n_bins).

    The impulse response of the gains, even and centred at taps/2, times a Hann window (the window method; Löllmann and Vary,
    2007, for gains that change). The first tap is 0.
    """
    half = chain.taps // 2
    response = irfft(np.stack([gains, np.zeros_like(gains)], axis=-1))[:, :half] * taper(chain)
    filters = np.zeros((len(gains), chain.taps), np.float32)
    filters[:, half:] = response
    filters[:, 1:half] = response[:, :0:-1]
    return filters


def filtered(chain: Chain, pcm: npt.NDArray[np.int16], filters: Float) -> npt.NDArray[np.int16]:
    """int16 PCM (frames · hop,) through the filters of `filters_of`, delayed by taps/2 samples.

    Filter t, of the hop t, comes in `filter_lag` samples after that hop's end, in a linear fade. Until the first one the signal
    is only delayed.
    """
    taps, hop, fade = chain.taps, chain.hop, fade_samples(chain)
    start = np.zeros((1, taps), np.float32)
    start[0, taps // 2] = 1.0
    bank = np.concatenate([start, filters])
    since = np.arange(pcm.size) - filter_lag(chain)
    newest, faded = since // hop, since % hop
    new = _convolved(pcm, bank, np.maximum(newest, 0))
    fading = np.flatnonzero((faded < fade) & (newest > 0))
    old = _convolved(pcm, bank, np.maximum(newest - 1, 0), fading)
    share = (faded[fading] + 1).astype(np.float32) * np.float32(1.0 / fade)
    new[fading] = old + (new[fading] - old) * share
    limited = np.rint(new.clip(np.float32(-32768.0), np.float32(32767.0)))
    return np.asarray(limited.astype(np.int16))


def _convolved(
    pcm: npt.NDArray[np.int16], bank: Float, which: npt.NDArray[np.int64], at: npt.NDArray[np.int64] | None = None
) -> Float:
    """Samples `at`, all by default, each through its filter of the bank: products added in ascending order of taps from 0."""
    taps = bank.shape[1]
    past = np.concatenate([np.zeros(taps - 1, np.float32), pcm.astype(np.float32)])
    places = np.arange(pcm.size) if at is None else at
    chosen = which[places]
    total = np.zeros(places.size, np.float32)
    for tap in range(taps):
        total += bank[chosen, tap] * past[places + (taps - 1 - tap)]
    return total

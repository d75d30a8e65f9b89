# SPDX-License-Identifier: Apache-2.0
"""Strength and output limiter in integers: every bit as runtime/dsp computes them."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from codesign.compiler.frontend import Chain
from codesign.compiler.frontend.output_stage import Limiter, limiter_of, mix_of

Pcm = npt.NDArray[np.int16]


def finished(chain: Chain, pcm: Pcm, enhanced: Pcm) -> Pcm:
    """The output int16 (n,) of a chain for its input `pcm` and what its frames or filters made of it, int16 (n,) each."""
    mix, limiter = mix_of(chain), limiter_of(chain)
    if mix is not None:
        enhanced = mixed(pcm, enhanced, chain.latency_samples, mix.share)
    return enhanced if limiter is None else limited(enhanced, limiter)


def mixed(pcm: Pcm, enhanced: Pcm, delay: int, share: int) -> Pcm:
    """The mixture e + ((x − e)·share + 2^14 >> 15), where x is `pcm` that many samples late: int16 (n,)."""
    late = np.concatenate([np.zeros(delay, np.int64), pcm])[: pcm.size]
    wet = enhanced.astype(np.int64)
    return np.asarray(wet + (((late - wet) * share + (1 << 14)) >> 15), np.int16)


def limited(pcm: Pcm, limiter: Limiter) -> Pcm:
    """Samples times level over their envelope where that is above the level, and never beyond the level: int16 (n,)."""
    level, envelope = limiter.level, 0
    found = []
    for x in pcm.tolist():
        size = abs(x) << 15
        if size > envelope:
            envelope += ((size - envelope) * limiter.attack) >> 32
        else:
            envelope -= ((envelope - size) * limiter.release) >> 32
        peak = (envelope >> 15) + 1
        y = (x * ((level << 15) // peak) + (1 << 14)) >> 15 if peak > level else x
        found.append(min(max(y, -level), level))
    return np.array(found, np.int16)

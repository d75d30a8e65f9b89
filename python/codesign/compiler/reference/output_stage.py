# SPDX-License-Identifier: Apache-2.0
"""Strength and output limiters in integers: every bit as runtime/dsp computes them."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from codesign.compiler.frontend import Chain
from codesign.compiler.frontend.output_stage import Limiter, limiter_of, mix_of, rms_limiter_of
from codesign.compiler.frontend.programs import program_chains
from codesign.compiler.reference.capture import raised, to_all

Pcm = npt.NDArray[np.int16]
Integers = npt.NDArray[np.int64]


def finished(chain: Chain, pcm: Pcm, enhanced: Pcm, switches: Mapping[int, int] | None = None) -> Pcm:
    """The output, at the device's end, of a chain for its network's input `pcm` and what its frames or filters made of it,
    int16 (n,) each.

    `switches` are changes of the program, hop → the one from there on.
    """
    programs = programs_at(chain, pcm.size // chain.hop, switches)
    shares = share_path(chain, programs, chain.hop) if chain.compressor is None else None
    if shares is not None:
        enhanced = mixed(pcm, enhanced, chain.latency_samples, shares)
    enhanced, samples = raised(chain, enhanced), chain.ends.frames
    chains = program_chains(chain)
    if (rms := rms_limiter_of(chain)) is not None:
        levels = _path([limiter.level for each in chains if (limiter := rms_limiter_of(each))], programs, samples, rms.step)
        enhanced = rms_limited(enhanced, rms, levels)
    if (limiter := limiter_of(chain)) is not None:
        levels = _path([each.level for each in map(limiter_of, chains) if each], programs, samples, limiter.step)
        enhanced = limited(enhanced, limiter, levels)
    return to_all(chain, enhanced)


def programs_at(chain: Chain, hops: int, switches: Mapping[int, int] | None = None) -> Integers:
    """The program of each hop, int64 (hops,)."""
    programs = np.full(hops, chain.program, np.int64)
    for hop, program in sorted((switches or {}).items()):
        programs[hop:] = program
    return programs


def share_path(chain: Chain, programs: Integers, samples: int) -> Integers | None:
    """The input's share, of ONE, in each of `samples` a hop, int64 (hops · samples,); None where nothing is mixed."""
    mixes = [mix for each in program_chains(chain) if (mix := mix_of(each)) is not None]
    return _path([mix.share for mix in mixes], programs, samples, mixes[0].step) if mixes else None


def mixed(pcm: Pcm, enhanced: Pcm, delay: int, share: int | Integers) -> Pcm:
    """The mixture e + ((x − e)·share + 2^14 >> 15), where x is `pcm` that many samples late: int16 (n,)."""
    late = np.concatenate([np.zeros(delay, np.int64), pcm])[: pcm.size]
    wet = enhanced.astype(np.int64)
    return np.asarray(wet + (((late - wet) * share + (1 << 14)) >> 15), np.int16)


def limited(pcm: Pcm, limiter: Limiter, levels: Integers | None = None) -> Pcm:
    """Samples times level over their envelope where that is above the level, and never beyond the level: int16 (n,).

    `levels` int64 (n,) are those of each sample, the limiter's by default.
    """
    envelope = 0
    found = []
    for x, level in zip(pcm.tolist(), _levels(pcm, limiter, levels), strict=True):
        size = abs(x) << 15
        if size > envelope:
            envelope += ((size - envelope) * limiter.attack) >> 32
        else:
            envelope -= ((envelope - size) * limiter.release) >> 32
        peak = (envelope >> 15) + 1
        y = (x * ((level << 15) // peak) + (1 << 14)) >> 15 if peak > level else x
        found.append(min(max(y, -level), level))
    return np.array(found, np.int16)


def rms_limited(pcm: Pcm, limiter: Limiter, levels: Integers | None = None) -> Pcm:
    """Samples times level over the held RMS where that is above the level: int16 (n,); `levels` as for `limited`."""
    mean = held = 0
    found = []
    for x, level in zip(pcm.tolist(), _levels(pcm, limiter, levels), strict=True):
        size = 2 * x * x
        if size > mean:
            mean += ((size - mean) * limiter.attack) >> 32
        else:
            mean -= ((mean - size) * limiter.attack) >> 32
        held = max(mean, held - ((held * limiter.release) >> 32))
        if held > 2 * level * level:
            x = (x * ((level << 15) // (math.isqrt(held >> 1) + 1)) + (1 << 14)) >> 15
        found.append(x)
    return np.array(found, np.int16)


def _levels(pcm: Pcm, limiter: Limiter, levels: Integers | None) -> list[int]:
    return [limiter.level] * pcm.size if levels is None else levels.tolist()


def _path(values: list[int], programs: Integers, samples: int, step: int) -> Integers:
    """The value of each hop's program, `samples` times a hop, going from one to another by `step` each time."""
    wanted = np.repeat(np.array(values, np.int64)[programs], samples)
    if wanted.size == 0 or (wanted == wanted[0]).all():
        return wanted
    now, found = int(wanted[0]), []
    for target in wanted.tolist():
        now += min(max(target - now, -step), step)
        found.append(now)
    return np.array(found, np.int64)

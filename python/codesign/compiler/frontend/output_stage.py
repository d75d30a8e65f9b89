# SPDX-License-Identifier: Apache-2.0
"""What a chain does to the enhanced signal last: how much of the noisy one stays in it, limits of its RMS and its samples."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from codesign.compiler.frontend.compressor import spl_of

if TYPE_CHECKING:
    from codesign.compiler.frontend.chain import Chain

ONE = 1 << 15
"""A share of 1."""
SWEEP_MS = 50.0
"""What a change of strength from 0 to 100 % takes, and of any limit to another."""
LEAST_LIMITER_DB, LONGEST_MS = -40.0, 2000.0
LIMITERS = ("limiter", "limiter_rms")


@dataclass(frozen=True)
class Mix:
    """The share of the delayed input in the output, of ONE: `least` of it at full strength, `step` a sample when it changes (a
    hop where spectra are mixed).
    """

    least: int
    strength: int
    step: int

    @property
    def share(self) -> int:
        """At the chain's strength, as cs_mix_strength computes it."""
        return share_at(self.least, self.strength)


@dataclass(frozen=True)
class Limiter:
    """The largest sample, or RMS, and how fast the envelope follows a louder and a fainter signal: of 2^32, a sample. `step`
    is how fast one level gives way to another, a sample.
    """

    level: int
    attack: int
    release: int
    step: int = 1


def share_at(least: int, strength: int) -> int:
    """The input's share, of ONE, at a strength in percent."""
    return ONE - (strength * (ONE - least) + 50) // 100


def output_checks(chain: Chain) -> Iterator[tuple[bool, str]]:
    """Conditions of the keys of the output with what to say where they fail."""
    limit, strength = chain.attenuation_limit, chain.strength
    yield limit is None or 0 <= limit <= 100, f"attenuation_limit {limit} is not in 0…100 dB"
    yield strength is None or 0 <= strength <= 100, f"strength {strength} is not in 0…100 %"
    for key in LIMITERS:
        full_scale, spl = getattr(chain, key), getattr(chain, f"{key}_spl")
        yield full_scale is None or spl is None, f"{key} in dBFS and {key}_spl in dB SPL: give one of them"
        level, lowest = level_of(chain, key), LEAST_LIMITER_DB
        said = f"{key} {level}" if spl is None else f"{key}_spl {spl:g} dB SPL is {level:g} dBFS and"
        yield level is None or lowest <= level <= 0, f"{said} is not in {lowest:g}…0 dBFS"
        for time in ("attack", "release"):
            value = getattr(chain, f"{key}_{time}")
            yield 0.1 <= value <= LONGEST_MS, f"{key}_{time} {value} is not in 0.1…{LONGEST_MS:g} ms"


def mix_of(chain: Chain) -> Mix | None:
    """The mixing that a chain with a limit of attenuation or a strength has."""
    if chain.attenuation_limit is None and chain.strength is None:
        return None
    least = 0 if chain.attenuation_limit is None else round(ONE * 10 ** (-chain.attenuation_limit / 20))
    step = math.ceil(ONE / (SWEEP_MS * chain.sample_rate / 1000))
    if chain.compressor is not None:
        step = min(ONE, step * chain.hop)
    return Mix(least, 100 if chain.strength is None else chain.strength, step)


def limiter_of(chain: Chain) -> Limiter | None:
    """The limiter of samples of a chain that has one."""
    return _limiter(chain, "limiter", 32767.0)


def rms_limiter_of(chain: Chain) -> Limiter | None:
    """The limiter of the RMS of a chain that has one: 0 dBFS is the RMS of a sine of full scale."""
    return _limiter(chain, "limiter_rms", 32767.0 / math.sqrt(2.0))


def _limiter(chain: Chain, key: str, full: float) -> Limiter | None:
    decibels = level_of(chain, key)
    if decibels is None:
        return None
    rate = chain.ends.rate  # limiters come last, after a resampling
    attack, release = (_coefficient(getattr(chain, f"{key}_{time}"), rate) for time in ("attack", "release"))
    step = math.ceil(full / (SWEEP_MS * rate / 1000))
    return Limiter(round(full * 10 ** (decibels / 20)), attack, release, step)


def level_of(chain: Chain, key: str) -> float | None:
    """The level of one of LIMITERS in dBFS, None where there is none."""
    full_scale, spl = getattr(chain, key), getattr(chain, f"{key}_spl")
    found: float | None = full_scale if spl is None else spl - spl_of(chain)[1]
    return found


def _coefficient(ms: float, sample_rate: int) -> int:
    """One pole that goes 1 − 1/e of the way in so many ms."""
    return round(2**32 * -math.expm1(-1000.0 / (ms * sample_rate)))

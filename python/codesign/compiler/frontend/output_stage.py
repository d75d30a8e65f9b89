# SPDX-License-Identifier: Apache-2.0
"""What a chain does to the enhanced signal last: how much of the noisy one stays in it, and a limit that no sample exceeds."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from codesign.compiler.frontend.chain import Chain

ONE = 1 << 15
"""A share of 1."""
SWEEP_MS = 50.0
"""What a change of strength from 0 to 100 % takes."""
LEAST_LIMITER_DB, LONGEST_MS = -40.0, 2000.0


@dataclass(frozen=True)
class Mix:
    """The share of the delayed input in the output, of ONE: `least` of it at full strength, `step` a sample when it changes."""

    least: int
    strength: int
    step: int

    @property
    def share(self) -> int:
        """At the chain's strength, as cs_mix_strength computes it."""
        return share_at(self.least, self.strength)


@dataclass(frozen=True)
class Limiter:
    """The largest sample, and how fast the envelope follows a louder and a fainter signal: of 2^32, a sample."""

    level: int
    attack: int
    release: int


def share_at(least: int, strength: int) -> int:
    """The input's share, of ONE, at a strength in percent."""
    return ONE - (strength * (ONE - least) + 50) // 100


def output_checks(chain: Chain) -> Iterator[tuple[bool, str]]:
    """Conditions of the keys of the output with what to say where they fail."""
    limit, strength, level = chain.attenuation_limit, chain.strength, chain.limiter
    yield limit is None or 0 <= limit <= 100, f"attenuation_limit {limit} is not in 0…100 dB"
    yield strength is None or 0 <= strength <= 100, f"strength {strength} is not in 0…100 %"
    yield level is None or LEAST_LIMITER_DB <= level <= 0, f"limiter {level} is not in {LEAST_LIMITER_DB:g}…0 dBFS"
    for key in ("limiter_attack", "limiter_release"):
        value = getattr(chain, key)
        yield 0.1 <= value <= LONGEST_MS, f"{key} {value} is not in 0.1…{LONGEST_MS:g} ms"


def mix_of(chain: Chain) -> Mix | None:
    """The mixing that a chain with a limit of attenuation or a strength has."""
    if chain.attenuation_limit is None and chain.strength is None:
        return None
    least = 0 if chain.attenuation_limit is None else round(ONE * 10 ** (-chain.attenuation_limit / 20))
    step = math.ceil(ONE / (SWEEP_MS * chain.sample_rate / 1000))
    return Mix(least, 100 if chain.strength is None else chain.strength, step)


def limiter_of(chain: Chain) -> Limiter | None:
    """The limiter of a chain that has one."""
    if chain.limiter is None:
        return None
    coefficients = (_coefficient(ms, chain.sample_rate) for ms in (chain.limiter_attack, chain.limiter_release))
    return Limiter(round(32767 * 10 ** (chain.limiter / 20)), *coefficients)


def _coefficient(ms: float, sample_rate: int) -> int:
    """One pole that goes 1 − 1/e of the way in so many ms."""
    return round(2**32 * -math.expm1(-1000.0 / (ms * sample_rate)))

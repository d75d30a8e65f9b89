# SPDX-License-Identifier: Apache-2.0
"""The filter path of a chain: a filter in the time domain that the network's gains become, hop after hop."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from codesign.compiler.frontend.chain import Chain

PATHS = ("frames", "filter")
"""How the enhanced signal is made: overlapping frames, or a filter of every sample."""
PHASES = ("linear", "minimum")
"""Of the filter: linear, late by half of its taps, or the least that its gains allow, hardly late at all."""
FILTER_TYPES = ("float32", "int16")
"""What the filter computes in."""
LEAST_GAIN = 2.0**-5
"""Of a filter of minimum phase, -30 dB: what is less has a steeper phase, which costs speech more than it removes noise."""
MIN_TAPS, MAX_TAPS = 16, 256
MIN_DELAY = 4
_LONGEST_FADE = 32
"""Samples: longer fades cost two filters for longer, and no measure of speech gains from them."""


def filter_checks(chain: Chain) -> Iterator[tuple[bool, str]]:
    """Conditions of path "filter" with what to say where they fail."""
    taps, block, hop, lag, early = chain.taps, chain.block, chain.hop, chain.lag, chain.filter_delay
    yield chain.output == "gains", f"path 'filter' needs real gains, not output '{chain.output}'"
    yield chain.phase in PHASES, f"phase '{chain.phase}' is not one of {', '.join(PHASES)}"
    yield chain.filter_type in FILTER_TYPES, f"filter_type '{chain.filter_type}' is not one of {', '.join(FILTER_TYPES)}"
    linear = chain.phase == "linear"
    longest = min(MAX_TAPS, chain.n_fft if linear else chain.n_fft // 2)
    why = "" if linear else ", half of n_fft for phase 'minimum'"
    yield MIN_TAPS <= taps <= longest and taps % 4 == 0, f"taps {taps} is no multiple of 4 in {MIN_TAPS}…{longest}{why}"
    yield early == 0 or linear, f"filter_delay {early} is of phase 'linear', not '{chain.phase}'"
    least = max(MIN_DELAY, taps - chain.n_fft // 2)
    yield early == 0 or least <= early <= taps // 2, f"filter_delay {early} is not in {least}…{taps // 2}, half of the taps"
    yield hop >= 8, f"hop {hop} is shorter than 8, two of the smallest blocks of path 'filter'"
    yield 4 <= block <= hop // 2 and hop % block == 0, f"block {block} is not in 4…{hop // 2} or does not divide the hop {hop}"
    yield (
        lag == 0 or (block <= lag <= hop - block and lag % block == 0),
        (f"lag {lag} is no multiple of block {block} in {block}…{hop - block}, nor 0, as late as can be"),
    )


def is_fixed(chain: Chain, arithmetic: str) -> bool:
    """Whether the filter has taps of 16 bits: as the chain says, and in the Q31 front end."""
    return chain.filter_type == "int16" or arithmetic == "q31"


def filter_lag(chain: Chain) -> int:
    """Samples from the end of a hop to the first that its filter changes: what the network may take."""
    return chain.lag or chain.hop - chain.block


def filter_delay(chain: Chain) -> int:
    """By how many samples the filter's output is late."""
    return (chain.filter_delay or chain.taps // 2) if chain.phase == "linear" else 0


def fade_samples(chain: Chain) -> int:
    """Samples over which one filter gives way to the next."""
    return min(chain.hop, _LONGEST_FADE)


def fixed_step(chain: Chain) -> int:
    """1 / fade in Q16, rounded down."""
    return 2**16 // fade_samples(chain)


def in_q31(half: npt.NDArray[np.float32]) -> npt.NDArray[np.int32]:
    """A taper in Q31, int32 (n,), where 1 is 1 − 2⁻³¹."""
    return np.minimum(np.rint(half.astype(np.float64) * 2.0**31), 2.0**31 - 1).astype(np.int32)


def taper(chain: Chain) -> npt.NDArray[np.float32]:
    """What cuts the impulse response of the gains to `taps` from its middle on, half of a Hann window: float32
    (taps − delay,).
    """
    return _half_hann(chain.taps - filter_delay(chain))


def early_taper(chain: Chain) -> npt.NDArray[np.float32]:
    """The same before its middle, from there backwards: (delay,)."""
    return _half_hann(filter_delay(chain))


def _half_hann(length: int) -> npt.NDArray[np.float32]:
    return np.asarray(np.cos(0.5 * np.pi * np.arange(length) / length) ** 2, np.float32)

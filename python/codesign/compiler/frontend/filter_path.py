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
MIN_TAPS, MAX_TAPS = 16, 256
_LONGEST_FADE = 32
"""Samples: longer fades cost two filters for longer, and no measure of speech gains from them."""


def filter_checks(chain: Chain) -> Iterator[tuple[bool, str]]:
    """Conditions of path "filter" with what to say where they fail."""
    taps, block, hop, lag = chain.taps, chain.block, chain.hop, chain.lag
    yield chain.output == "gains", f"path 'filter' needs real gains, not output '{chain.output}'"
    in_range = MIN_TAPS <= taps <= min(MAX_TAPS, chain.n_fft)
    yield in_range and taps % 4 == 0, f"taps {taps} is no multiple of 4 in {MIN_TAPS}…{min(MAX_TAPS, chain.n_fft)}"
    yield 4 <= block <= hop // 2 and hop % block == 0, f"block {block} is not in 4…{hop // 2} or does not divide the hop {hop}"
    yield (
        lag == 0 or (block <= lag <= hop - block and lag % block == 0),
        (f"lag {lag} is no multiple of block {block} in {block}…{hop - block}, nor 0, as late as can be"),
    )


def filter_lag(chain: Chain) -> int:
    """Samples from the end of a hop to the first that its filter changes: what the network may take."""
    return chain.lag or chain.hop - chain.block


def fade_samples(chain: Chain) -> int:
    """Samples over which one filter gives way to the next."""
    return min(chain.hop, _LONGEST_FADE)


def taper(chain: Chain) -> npt.NDArray[np.float32]:
    """One half of the Hann window that cuts the impulse response of the gains to `taps`, from its middle on: (taps/2,)."""
    half = chain.taps // 2
    return np.asarray(np.cos(0.5 * np.pi * np.arange(half) / half) ** 2, np.float32)

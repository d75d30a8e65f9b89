# SPDX-License-Identifier: Apache-2.0
"""Makeup gain of a chain: what its network takes of speech, given back with the compression."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from codesign.compiler.frontend.chain import Chain
    from codesign.compiler.frontend.compressor import Compressor

LOSS_FREQUENCIES = (250.0, 500.0, 750.0, 1000.0, 1500.0, 2000.0, 3000.0, 4000.0, 6000.0)
"""Hz, the centres of bands: where a chain says how much of speech its network takes."""
MOST_LOSS_DB = 20.0
Gains = npt.NDArray[np.float64]


def makeup_checks(chain: Chain) -> Iterator[tuple[bool, str]]:
    """Conditions of a chain's `speech_loss` with what to say where they fail."""
    loss, wanted = chain.speech_loss, len(LOSS_FREQUENCIES)
    yield len(loss) in (0, 1, wanted), f"speech_loss has {len(loss)} values: give one, or {wanted} for 250…6000 Hz"
    fits = all(0 <= value <= MOST_LOSS_DB for value in loss)
    yield fits, f"speech_loss holds a value that is not in 0…{MOST_LOSS_DB:g} dB"


def makeup_of(chain: Chain) -> tuple[float, ...]:
    """What the chain's network takes of speech in dB at LOSS_FREQUENCIES, under its attenuation limit and strength; () where
    the chain does not say it.

    With the input's share g in the output, speech of which the network leaves the amplitude a has g + (1 − g)·a.
    """
    if not chain.speech_loss:
        return ()
    least = 0.0 if chain.attenuation_limit is None else 10.0 ** (-chain.attenuation_limit / 20.0)
    share = 1.0 - (100 if chain.strength is None else chain.strength) / 100.0 * (1.0 - least)
    left = 10.0 ** (-np.array(chain.speech_loss) / 20.0)
    makeup = -20.0 * np.log10(share + (1.0 - share) * left) + 0.0
    return tuple(np.broadcast_to(makeup, len(LOSS_FREQUENCIES)).tolist())


def made_up_gains(compressor: Compressor, makeup: Sequence[float]) -> Gains:
    """The compressor's gains in dB (bands, levels) with `makeup` in dB at LOSS_FREQUENCIES.

    A level that is metered before the network is that of the speech as it was: its gain is the table's and the makeup. One that
    is metered after it has lost what the makeup gives back: its gain is the table's at the level with it, and the makeup.
    """
    gains, levels = np.array(compressor.gains), np.array(compressor.levels)
    if not len(makeup):
        return gains
    in_bands = np.interp(np.log(compressor.frequencies), np.log(LOSS_FREQUENCIES), makeup)
    if compressor.meter == "after":
        gains = np.stack([np.interp(levels + up, levels, row) for up, row in zip(in_bands, gains, strict=True)])
    return np.asarray(gains + in_bands[:, None])

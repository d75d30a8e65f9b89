# SPDX-License-Identifier: Apache-2.0
"""Two microphones and a fixed beamformer in front of the network: delay and sum, or first-order differential; its design."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from codesign.compiler.frontend.chain import Chain

KINDS = ("delay_and_sum", "differential")
MICROPHONES = 2
BEAM_TAPS, BEAM_DELAY = 16, 7
"""Taps for each microphone, and samples by which the beam is later than the first microphone, from where it looks."""
SPEED = 343.0
"""Of sound, m/s: dry air of 20 °C."""
STATE_BITS = 8
"""Fraction bits of what is kept between samples."""
_BAND = 0.42  # of a sample rate: up to here the filters are fitted
_WIDEST = 0.8  # of the wave length at the band's end: where the differential one's gain has a pole, 1, it must not be near
_GRID = 1600
_MOST_SUM = (1 << 16) - 1

Float = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Beamformer:
    """Two microphones `spacing` mm apart on a line, the first in front; angles in degrees from the front.

    `kind` "delay_and_sum" adds them up for sound from `direction`; "differential" subtracts the rear one, delayed so that sound
    from `null` goes (180: cardioid, 90: figure of eight), and makes the front flat again down to `low` Hz, a high pass of
    first order.
    """

    kind: str
    spacing: float
    direction: float = 0.0
    null: float = 180.0
    low: float = 200.0


@dataclass(frozen=True)
class BeamTables:
    """What the runtime has: `taps` int16 (BEAM_TAPS, 2), for each sample back from the newest one a pair, of `bits` fraction
    bits; `leak`, of 2^32, is what the sum loses a sample, 0 where nothing is summed.
    """

    taps: npt.NDArray[np.int16]
    bits: int
    leak: int


def beamformer_checks(chain: Chain) -> Iterator[tuple[bool, str]]:
    """Conditions of a chain's beamformer with what to say where they fail."""
    beam = chain.beamformer
    if beam is None:
        return
    yield beam.kind in KINDS, f"beamformer kind '{beam.kind}' is not one of {', '.join(KINDS)}"
    yield 2 <= beam.spacing <= 100, f"beamformer spacing {beam.spacing:g} is not in 2…100 mm"
    yield 0 <= beam.direction <= 180, f"beamformer direction {beam.direction:g} is not in 0…180°"
    yield 90 <= beam.null <= 180, f"beamformer null {beam.null:g} is not in 90…180°"
    yield 20 <= beam.low <= 1000, f"beamformer low {beam.low:g} is not in 20…1000 Hz"
    differential = beam.kind == "differential"
    yield not (differential and beam.direction), "beamformer direction is of delay_and_sum: a differential one looks to 0°"
    widest = _WIDEST * SPEED * 1000 / (_BAND * chain.sample_rate * (1 - math.cos(math.radians(beam.null))))
    far = f"beamformer spacing {beam.spacing:g} mm is more than the {widest:.1f} mm"
    yield (
        not differential or beam.spacing <= widest,
        f"{far} that null {beam.null:g}° allows at {chain.sample_rate} Hz: above, its front has gaps",
    )
    travel = beam.spacing / 1000 / SPEED * chain.sample_rate * chain.resample
    yield (
        travel <= BEAM_DELAY - 1,
        f"beamformer spacing {beam.spacing:g} mm is {travel:.1f} samples, more than {BEAM_DELAY - 1}",
    )


def beam_tables(chain: Chain) -> BeamTables:
    """The filters of a chain that has a beamformer, at the device's rate."""
    beam = chain.beamformer
    assert beam is not None, "asked of a chain that has one"
    rate, edge = chain.sample_rate * chain.resample, _BAND * chain.sample_rate
    travel = beam.spacing / 1000 / SPEED * rate  # samples from one microphone to the other
    if beam.kind == "delay_and_sum":
        later = travel * math.cos(math.radians(beam.direction))
        return _integers(_delay(0.5, BEAM_DELAY), _delay(0.5, BEAM_DELAY - later), 0)
    behind = -travel * math.cos(math.radians(beam.null))
    kept = math.exp(-2.0 * math.pi * beam.low / rate)
    flat = _front_gain(travel + behind, math.sqrt(kept), edge / rate)
    first = BEAM_DELAY + 0.5 - (behind + travel) / 2
    front, rear = _delay(flat, first), -_delay(flat, first + behind)
    return _integers(front, rear, round(2**32 * (1.0 - kept)))


def _front_gain(apart: float, scale: float, edge: float) -> Callable[[Float], Float]:
    """What a difference of `apart` samples must be multiplied with before it is summed up, over frequencies of the rate:
    sin(ω/2) / sin(ω·apart/2), as at `edge` beyond it.
    """

    def gain(frequency: Float) -> Float:
        half = np.pi * np.minimum(frequency, edge)
        return np.asarray(scale * np.sin(half) / np.sin(half * apart))

    return gain


def _delay(gain: float | Callable[[Float], Float], samples: float) -> Float:
    """A filter of BEAM_TAPS that delays by so many samples, whole or not, with a gain: least squares up to the band's end."""
    grid = np.linspace(1e-6, _BAND, _GRID)
    turns = np.exp(-2j * np.pi * np.outer(grid, np.arange(BEAM_TAPS)))
    wanted = (gain(grid) if callable(gain) else gain) * np.exp(-2j * np.pi * grid * samples)
    rows, values = np.concatenate([turns.real, turns.imag]), np.concatenate([wanted.real, wanted.imag])
    return np.asarray(np.linalg.lstsq(rows, values, rcond=None)[0])


def _integers(first: Float, second: Float, leak: int) -> BeamTables:
    """The most fraction bits with which no sum leaves 31 bits. A difference is exactly 0 at 0 Hz."""
    total = float(np.abs(first).sum() + np.abs(second).sum())
    largest = float(max(np.abs(first).max(), np.abs(second).max()))
    bits = min(14, math.floor(math.log2(min((_MOST_SUM - 3 * BEAM_TAPS) / total, 32767 / largest))))
    taps = np.rint(np.stack([first, second], axis=-1) * (1 << bits)).astype(np.int64)
    if leak:
        taps[int(np.abs(taps[:, 1]).argmax()), 1] -= taps.sum()
    return BeamTables(taps.astype(np.int16), bits, leak)

# SPDX-License-Identifier: Apache-2.0
"""Two microphones and a fixed beamformer in front of the network: delay and sum, or first-order differential; its design."""

from __future__ import annotations

import math
from collections.abc import Iterator
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
_GRID = 800
_NULL_WEIGHT, _LEAST_FRONT = 30.0, 0.01
_MOST_SUM = (1 << 16) - 1

Float = npt.NDArray[np.float64]
Complex = npt.NDArray[np.complex128]


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
    grid = np.linspace(1e-6, _BAND, _GRID)
    flat = math.sqrt(kept) * _front_gain(grid, travel + behind, edge / rate)
    front, rear = _difference(grid, flat, BEAM_DELAY + 0.5 - (behind + travel) / 2, behind, travel + behind)
    return _integers(front, rear, round(2**32 * (1.0 - kept)))


def _front_gain(grid: Float, apart: float, edge: float) -> Float:
    """What a difference of `apart` samples must be multiplied with before it is summed up, over frequencies of the rate:
    sin(ω/2) / sin(ω·apart/2), as at `edge` beyond it.
    """
    half = np.pi * np.minimum(grid, edge)
    return np.asarray(np.sin(half) / np.sin(half * apart))


def _delay(gain: float, samples: float) -> Float:
    """A filter of BEAM_TAPS that delays by so many samples, whole or not, with a gain: least squares up to the band's end."""
    grid = np.linspace(1e-6, _BAND, _GRID)
    return _least_squares(_turns(grid), gain * np.exp(-2j * np.pi * grid * samples))


def _difference(grid: Float, gain: Float, first: float, behind: float, apart: float) -> tuple[Float, Float]:
    """Filters of gain and delay `first`, and less that and `behind` later: least squares for each of them and, with more
    weight, for what is left of sound from the null, over what there is from the front, `apart` samples.
    """
    turns, none = _turns(grid), np.zeros((grid.size, BEAM_TAPS))
    wanted = gain * np.exp(-2j * np.pi * grid * first)
    later = np.exp(-2j * np.pi * grid * behind)
    weight = (_NULL_WEIGHT / np.maximum(2 * np.sin(np.pi * grid * apart), _LEAST_FRONT))[:, None]
    rows = [np.hstack([turns, none]), np.hstack([none, turns]), weight * np.hstack([turns, turns / later[:, None]])]
    both = _least_squares(np.concatenate(rows), np.concatenate([wanted, -wanted * later, none[:, 0]]))
    return both[:BEAM_TAPS], both[BEAM_TAPS:]


def _turns(grid: Float) -> Complex:
    return np.asarray(np.exp(-2j * np.pi * np.outer(grid, np.arange(BEAM_TAPS))))


def _least_squares(rows: Complex, wanted: Complex) -> Float:
    real = np.concatenate([rows.real, rows.imag])
    return np.asarray(np.linalg.lstsq(real, np.concatenate([wanted.real, wanted.imag]), rcond=None)[0])


def _integers(first: Float, second: Float, leak: int) -> BeamTables:
    """The most fraction bits with which no sum leaves 31 bits. A difference is exactly 0 at 0 Hz, and rounding moves its delay
    there as little as can be: both would fill up the null.
    """
    total = float(np.abs(first).sum() + np.abs(second).sum())
    largest = float(max(np.abs(first).max(), np.abs(second).max()))
    bits = min(14, math.floor(math.log2(min((_MOST_SUM - 3 * BEAM_TAPS) / total, 32767 / largest))))
    exact = (np.stack([first, second], axis=-1) * (1 << bits)).reshape(-1)
    taps = _balanced(exact) if leak else np.rint(exact)
    return BeamTables(taps.reshape(BEAM_TAPS, 2).astype(np.int16), bits, leak)


def _balanced(exact: Float) -> Float:
    """Whole numbers near those of a difference, (2·BEAM_TAPS,): their sum is 0, their first moment the nearest."""
    taps, delays = np.rint(exact), np.arange(exact.size) // 2
    while (total := taps.sum()) != 0:
        sign = np.sign(total)
        taps[int((sign * (taps - exact)).argmax())] -= sign
    while missing := round(float(delays @ (exact - taps))):
        apart = delays[:, None] - delays[None, :]  # one more at the row's, one less at the column's
        error = taps - exact
        cost = error[:, None] - error[None, :] + BEAM_TAPS * np.abs(apart - np.clip(missing, 1 - BEAM_TAPS, BEAM_TAPS - 1))
        more, less = np.unravel_index(int(cost.argmin()), cost.shape)
        taps[more] += 1
        taps[less] -= 1
    return taps

# SPDX-License-Identifier: Apache-2.0
"""Wide dynamic range compression of a chain: gains in bands by the level in each, with attack and release."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from codesign.compiler.frontend.makeup import made_up_gains, makeup_of
from codesign.compiler.frontend.windows import analysis_window

if TYPE_CHECKING:
    from codesign.compiler.frontend.chain import Chain

METERS = ("before", "after")
"""Which sound the level is of: the input's, or what the network made of it."""
MAX_BANDS, MAX_LEVELS = 16, 32
FASTEST_MS, SLOWEST_MS = 0.5, 10000.0
CLOSEST_DB = 0.5
"""Of two levels."""
LEAST_DB, MOST_DB = -60.0, 80.0
"""Of a gain."""
DEFAULT_SPL = 120.0
"""dB SPL of a sine of full scale, where neither chain nor board say it: a digital microphone of −26 dBFS at 94 dB SPL."""
FADE_MS = 50.0
"""What a change of tables takes."""
OCTAVE_DB = 10.0 * math.log10(2.0)
"""dB of twice the power."""


@dataclass(frozen=True)
class Compressor:
    """Gains in dB, one row for each of `frequencies` (Hz, the centres of bands) and in it one for each of `levels` (dB SPL in
    the band): linear between levels, constant beyond them. Between two centres gains are linear over frequency, and so is what
    counts in either band. `attack` and `release` are in ms. `meter`: see METERS. `makeup`: whether what the network takes of
    speech is given back, as much as its chain says.
    """

    frequencies: tuple[float, ...]
    levels: tuple[float, ...]
    gains: tuple[tuple[float, ...], ...]
    attack: float = 5.0
    release: float = 50.0
    meter: str = "before"
    makeup: bool = False


@dataclass(frozen=True)
class CompressorTables:
    """What the runtime has of a compressor. The unit of levels is an octave of power, that of gains one of amplitude.

    `first`[b] is the first bin at or above the centre of band b; between two centres the share of the upper one in bin k is
    k·`lines`[b, 0] + `lines`[b, 1], in levels and in gains. `grid` float32 (levels,) starts at 0,
    `gains` float32 (bands, levels); the level of a band is log2(power · `scale`) + `offset`. `fade` are the hops that a change
    of tables takes.
    """

    first: npt.NDArray[np.uint16]
    lines: npt.NDArray[np.float32]
    grid: npt.NDArray[np.float32]
    gains: npt.NDArray[np.float32]
    scale: float
    offset: float
    attack: float
    release: float
    fade: int


def compressor_checks(chain: Chain) -> Iterator[tuple[bool, str]]:
    """Conditions of a chain's compressor with what to say where they fail."""
    for key in ("input_spl", "output_spl"):
        value = getattr(chain, key)
        yield value is None or 60 <= value <= 180, f"{key} {value} is not in 60…180 dB SPL"
    compressor = chain.compressor
    if compressor is None:
        return
    frequencies, levels, gains = compressor.frequencies, compressor.levels, compressor.gains
    yield 1 <= len(frequencies) <= MAX_BANDS, f"compression has {len(frequencies)} frequencies, not 1…{MAX_BANDS}"
    turned = next((pair for pair in itertools.pairwise(frequencies) if pair[1] <= pair[0]), None)
    order = "" if turned is None else f"{turned[1]:g} Hz stands after {turned[0]:g} Hz: they ascend, each once"
    yield not order, f"compression frequency {order}"
    half = chain.sample_rate / 2
    yield 0 < min(frequencies) <= max(frequencies) <= half, f"compression frequencies are not within 0…{half:g} Hz"
    yield 2 <= len(levels) <= MAX_LEVELS, f"compression has {len(levels)} levels, not 2…{MAX_LEVELS}"
    joined = next((pair for pair in itertools.pairwise(levels) if pair[1] - pair[0] < CLOSEST_DB), None)
    steps = "" if joined is None else f"{joined[1]:g} dB stands after {joined[0]:g}: they ascend by {CLOSEST_DB:g} dB or more"
    yield not steps, f"compression level {steps}"
    yield -20 <= min(levels) <= max(levels) <= 160, "compression levels are not within -20…160 dB SPL"
    yield from gain_checks(compressor, gains, "compression")
    yield compressor.meter in METERS, f"compression meter '{compressor.meter}' is not one of {', '.join(METERS)}"
    for key in ("attack", "release"):
        value = getattr(compressor, key)
        yield (
            FASTEST_MS <= value <= SLOWEST_MS,
            (f"compression {key} {value:g} is not in {FASTEST_MS:g}…{SLOWEST_MS:g} ms"),
        )
    yield chain.output != "frame", "compression needs a spectrum, and output 'frame' has none"
    spacing = chain.sample_rate / chain.n_fft
    near = next((pair for pair in itertools.pairwise(frequencies) if pair[1] - pair[0] < spacing), None)
    close = "" if near is None else f"{near[1]:g} Hz is less than a bin from {near[0]:g} Hz: bins are {spacing:g} Hz apart"
    yield not close, f"compression frequency {close}"


def gain_checks(compressor: Compressor, gains: tuple[tuple[float, ...], ...], where: str) -> Iterator[tuple[bool, str]]:
    """Conditions of a table of gains for the compressor's frequencies and levels; `where` names what has it."""
    rows, columns = len(compressor.frequencies), len(compressor.levels)
    widths = {len(row) for row in gains}
    shape = f"{len(gains)} × {'/'.join(map(str, sorted(widths))) or 0}"
    fits = len(gains) == rows and widths == {columns}
    yield fits, f"{where} gains are {shape}, not {rows} frequencies × {columns} levels"
    beyond = next((value for row in gains for value in row if not LEAST_DB <= value <= MOST_DB), None)
    yield beyond is None, f"{where} has a gain of {beyond or 0:g} dB, not in {LEAST_DB:g}…{MOST_DB:g} dB"


def compressor_tables(chain: Chain) -> CompressorTables:
    """The tables of a chain that has a compressor, its levels and gains on the scale of its samples."""
    compressor = chain.compressor
    assert compressor is not None, "asked of a chain that has one"
    frequencies, levels = np.array(compressor.frequencies), np.array(compressor.levels)
    centres = frequencies * chain.n_fft / chain.sample_rate
    input_spl, output_spl = spl_of(chain)
    gains = made_up_gains(compressor, makeup_of(chain) if compressor.makeup else ())
    window = analysis_window(chain).astype(np.float64)
    widths = np.diff(centres)
    return CompressorTables(
        first=np.ceil(centres).astype(np.uint16),
        lines=np.stack([1.0 / widths, -centres[:-1] / widths], axis=-1).astype(np.float32),
        grid=((levels - levels[0]) / OCTAVE_DB).astype(np.float32),
        gains=((gains + (input_spl - output_spl)) / (2 * OCTAVE_DB)).astype(np.float32),
        scale=float(4.0 / (chain.n_fft * np.sum(window * window))),
        offset=float((input_spl - levels[0]) / OCTAVE_DB),
        attack=_share(compressor.attack, chain),
        release=_share(compressor.release, chain),
        fade=max(1, round(FADE_MS / chain.hop_ms)),
    )


def spl_of(chain: Chain) -> tuple[float, float]:
    """Sound pressure levels in dB of a sine of full scale, at the microphone and at the receiver."""
    input_spl = DEFAULT_SPL if chain.input_spl is None else chain.input_spl
    return input_spl, DEFAULT_SPL if chain.output_spl is None else chain.output_spl


def _share(ms: float, chain: Chain) -> float:
    """One pole that goes 1 − 1/e of the way in so many ms, a hop a step."""
    return -math.expm1(-chain.hop_ms / ms)

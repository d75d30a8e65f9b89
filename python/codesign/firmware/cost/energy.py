# SPDX-License-Identifier: Apache-2.0
"""What a board takes from its supply while it enhances: cycles and the card's currents → mA, µJ a frame, hours on a cell."""

from __future__ import annotations

from dataclasses import dataclass

from codesign.firmware.boards import Board
from codesign.firmware.cost.cells import CellHours, hours_on_cells


@dataclass(frozen=True)
class Consumption:
    """An estimate with relative error `error`: of the cycles and of the card's currents together, by a factor of 1 + error
    either way.

    `milliamps` is the mean supply current at `volts`; `frame_uj` the energy of a hop in µJ, of which `running_uj` is taken
    while the core runs. `busy` is the share of the hop that it does.
    """

    milliamps: float
    volts: float
    frame_uj: float
    running_uj: float
    busy: float
    error: float
    source: str
    hours: tuple[CellHours, ...]


def consumption(board: Board, mean_cycles: float, hop_ms: float, error: float) -> Consumption | None:
    """The consumption of a board whose mean frame takes `mean_cycles` of relative error `error`, one each `hop_ms`; None where
    its card has no currents.

    The core runs for busy = cycles / (clock · hop) of the time and sleeps for the rest, and the audio interface goes on:
    I = busy · µA/MHz · MHz + (1 − busy) · sleep + audio, E = V · I · hop. One µA/MHz is one pC a cycle.
    """
    card, clock_hz = board.energy, board.core.clock_hz
    if card is None:
        return None
    busy = min(1.0, 1000.0 * mean_cycles / (clock_hz * hop_ms))
    running_ua = busy * card.ua_per_mhz * clock_hz * 1e-6
    current_ua = running_ua + (1.0 - busy) * card.sleep_ua + card.audio_ua
    both = (1.0 + error) * (1.0 + card.error) - 1.0
    return Consumption(
        milliamps=current_ua / 1000.0,
        volts=card.volts,
        frame_uj=current_ua * card.volts * hop_ms / 1000.0,
        running_uj=running_ua * card.volts * hop_ms / 1000.0,
        busy=busy,
        error=both,
        source=card.source,
        hours=hours_on_cells(current_ua * card.volts / 1000.0, both),
    )

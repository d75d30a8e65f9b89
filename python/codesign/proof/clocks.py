# SPDX-License-Identifier: Apache-2.0
"""What a board's slower clocks would do: whether the worst frame still comes in time, and what that can save."""

from __future__ import annotations

from codesign.firmware.boards import Board
from codesign.proof.verdict import CoreLoad, Latency, SlowerClock


def slower_clocks(latency: Latency, board: Board, load: CoreLoad | None = None) -> tuple[SlowerClock, ...]:
    """The clocks of the board's card below the one that the frames were estimated at, fastest first.

    Cycles stay what they are. One holds where the worst frame, with its error, is within the budget and its deadline, and where
    the core's load is known, that leaves it time. A cycle takes the same charge at every clock, by the card, and sleep takes
    something at the slower clock too, so that the sleep at this one is all that can be saved.
    """
    limit = min(board.budget.worst_frame_ms, latency.deadline_ms)
    busy = load.estimated if load else latency.mean_cycles / (latency.clock_hz * latency.hop_ms / 1000.0)
    saved = None if board.energy is None else max(1.0 - busy, 0.0) * board.energy.sleep_ua / 1000.0
    found = []
    for hz in sorted((hz for hz in board.core.slower_hz if hz < latency.clock_hz), reverse=True):
        slower = latency.clock_hz / hz
        late = latency.worst_ms * slower * (1 + latency.error) > limit
        full = load is not None and load.estimated * slower * (1 + load.error) >= 1.0
        found.append(SlowerClock(hz, latency.worst_ms * slower, limit, not (late or full), saved))
    return tuple(found)

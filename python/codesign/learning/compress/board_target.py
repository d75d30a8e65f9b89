# SPDX-License-Identifier: Apache-2.0
"""What a board leaves for a network: an estimate to compress towards. `codesign verify` says what was reached."""

from __future__ import annotations

from codesign.base.errors import ValidationError
from codesign.compiler.frontend import Chain
from codesign.firmware.boards import Board
from codesign.firmware.cost.sketch import RUNTIME_BYTES, TABLE_BYTES_PER_POINT
from codesign.learning.compress.budget import Target

FRONT_END_CYCLES = 190
"""Of the front end for each point of its FFT (docs/performance.md)."""


def board_target(board: Board, config: Chain, instructions_per_mac: float = 1.0) -> Target:
    """Bytes that the flash budget leaves, and MACs that the deadline leaves after the error that the board's timing admits.

    Raises:
        ValidationError: not even the front end fits.
    """
    timing = board.timing
    milliseconds = min(board.budget.worst_frame_ms, config.deadline_ms)
    cycles = milliseconds * 1e-3 * board.core.clock_hz * (1.0 - timing.error) - FRONT_END_CYCLES * config.n_fft
    per_mac = timing.cycles_per_instruction * instructions_per_mac
    if timing.flash is not None:
        per_mac += timing.flash.wait_states / timing.flash.line_bytes
    target = Target(board.budget.flash - RUNTIME_BYTES - TABLE_BYTES_PER_POINT * config.n_fft, int(cycles / per_mac))
    if target.bytes <= 0 or target.macs <= 0:
        raise ValidationError(
            f"{board.name}: the front end alone takes more than {milliseconds:g} ms or {board.budget.flash:,} bytes",
            hint="give a larger budget, or a recipe with a longer hop or a smaller n_fft",
        )
    return target

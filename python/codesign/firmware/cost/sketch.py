# SPDX-License-Identifier: Apache-2.0
"""What a network will cost on a board before anything is built: a rough estimate from its sizes. A build and an emulator
replace it with figures of the image.
"""

from __future__ import annotations

from dataclasses import dataclass

from codesign.base.errors import CodesignError, one_line
from codesign.compiler.lower.network import Network
from codesign.compiler.plan import plan_memory
from codesign.firmware.boards import Board, list_boards, load_board
from codesign.firmware.cost.estimate import average
from codesign.firmware.toolchain.kernels import best_kernel

RUNTIME_BYTES = 17_408
"""What the runtime and start-up take of flash at most (docs/performance.md), and the stack beside the arena of RAM below."""
TABLE_BYTES_PER_POINT = 24
"""Windows, twiddle factors and bands, for each point of the FFT."""
SKETCH_ERROR = 0.5
"""Of the time: layers of one shape take other instructions per multiply-accumulate than those of another."""
_INSTRUCTIONS_PER_MAC = {"plain": 2.9, "dsp": 0.9, "dual": 0.96, "mve": 0.2}
"""By kernel, of LSTM and fully connected layers of 100 columns and more (docs/performance.md)."""
_WIDE = 1.2
"""How many times those matrices with int16 vectors take."""
_INSTRUCTIONS_PER_POINT = {"float32": 152, "q31": 190}
"""Of the front end with 128 bands, by its arithmetic, for each point of the FFT (docs/performance.md)."""


@dataclass(frozen=True)
class CostSketch:
    """Rough figures of a network on a board: bytes, and milliseconds of the worst frame ± `error`, with what there is room for.

    `reason` says why the board cannot run it, "" where nothing is known to be in the way.
    """

    board: str
    flash: int
    flash_limit: int
    ram: int
    ram_limit: int
    worst_ms: float
    limit_ms: float
    error: float = SKETCH_ERROR
    reason: str = ""

    @property
    def fits(self) -> str:
        """yes, no, or maybe: where the limit is within the error."""
        if self.reason or self.flash > self.flash_limit or self.ram > self.ram_limit:
            return "no"
        if self.worst_ms * (1.0 - self.error) > self.limit_ms:
            return "no"
        return "yes" if self.worst_ms * (1.0 + self.error) <= self.limit_ms else "maybe"


def sketch(network: Network, board: Board) -> CostSketch:
    """The network on the board, with its best kernel and its own front end.

    Raises:
        InputError: the board's front end has no form of the network's chain.
    """
    kernel, chain = best_kernel(board), network.frontend
    arrays = [array for layer in network.layers for array in (*layer.weights_int8, *layer.constants)]
    flash = RUNTIME_BYTES + TABLE_BYTES_PER_POINT * chain.n_fft + sum(array.nbytes for array in arrays)
    plan = plan_memory(network, kernel, board.front_end)
    wide = sum(layer.macs for layer in network.layers if 16 in layer.vector_bits)
    macs = network.macs - wide + _WIDE * wide
    instructions = _INSTRUCTIONS_PER_MAC[kernel] * macs
    instructions += _INSTRUCTIONS_PER_POINT[board.front_end] * chain.n_fft * len(network.row)
    cost = average(round(instructions), instructions, network.macs, board)
    return CostSketch(
        board.name,
        flash,
        board.budget.flash,
        plan.bytes + board.budget.stack,
        board.budget.ram,
        cost.worst_ms(board),
        min(board.budget.worst_frame_ms, chain.deadline_ms),
    )


def sketches(network: Network) -> tuple[CostSketch, ...]:
    """The network on every board that is no host, in the order of their names; one that cannot run it says why."""
    found = []
    for name in list_boards():
        board = load_board(name)
        if board.native:
            continue
        try:
            found.append(sketch(network, board))
        except CodesignError as error:
            limits = (0, board.budget.flash, 0, board.budget.ram, 0.0, board.budget.worst_frame_ms)
            found.append(CostSketch(name, *limits, reason=one_line(error.message, 200)))
    return tuple(found)

# SPDX-License-Identifier: Apache-2.0
"""The memory plan of a network on a board: kernel, front end and what goes to RAM are the board's."""

from __future__ import annotations

from dataclasses import replace

from codesign.compiler.lower.network import Network
from codesign.compiler.plan import MemoryPlan, plan_memory
from codesign.firmware.boards import Board
from codesign.firmware.toolchain.kernels import best_kernel

APPLICATION_BYTES = 24 * 1024
"""RAM that "auto" leaves to the application beside the enhancer: threads, blocks of audio, kernel and shell take 18 KiB on an
nRF5340.
"""


def plan_of(network: Network, board: Board) -> MemoryPlan:
    """The plan that an image for the board is made by.

    Raises:
        InputError: the network does not fit its chain, or the Q31 front end does not have what the chain needs.
    """
    plan = plan_memory(network, best_kernel(board), board.front_end)
    return replace(plan, hot_weights=_hot_bytes(plan, board))


def _hot_bytes(plan: MemoryPlan, board: Board) -> int:
    if board.hot_weights != "auto":
        return board.hot_weights
    return max(board.budget.ram - plan.bytes - board.budget.stack - APPLICATION_BYTES, 0)

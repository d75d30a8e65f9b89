# SPDX-License-Identifier: Apache-2.0
"""Which matrix kernels of runtime/nn a core can run, and which one an image uses."""

from __future__ import annotations

from codesign.firmware.boards import Board

_NEEDS = {"plain": "", "dsp": "dsp", "dual": "dsp", "mve": "mve"}
"""Kernel and the feature of `core.isa` that it needs."""

_DUAL_ISSUE = ("cortex-m7",)


def kernels_for(board: Board) -> tuple[str, ...]:
    """Names of the kernels that the board's core can run."""
    return tuple(kernel for kernel, feature in _NEEDS.items() if not feature or feature in board.core.isa)


def best_kernel(board: Board) -> str:
    """The kernel that takes the fewest cycles on the board's core, by the estimates of docs/performance.md."""
    possible = kernels_for(board)
    if "mve" in possible:
        return "mve"
    if "dsp" in possible:
        return "dual" if board.core.cpu in _DUAL_ISSUE else "dsp"
    return "plain"

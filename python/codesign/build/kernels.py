"""Which matrix kernels of runtime/nn a core can run, and which one an image uses."""

from __future__ import annotations

from codesign.boards import Board

_NEEDS = {"plain": "", "dsp": "dsp", "mve": "mve"}
"""Kernel and the feature of `core.isa` that it needs, slowest first."""


def kernels_for(board: Board) -> tuple[str, ...]:
    """Names of the kernels that the board's core can run, slowest first."""
    return tuple(kernel for kernel, feature in _NEEDS.items() if not feature or feature in board.core.isa)


def best_kernel(board: Board) -> str:
    """The fastest kernel of the board's core."""
    return kernels_for(board)[-1]

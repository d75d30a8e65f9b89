"""Instructions per layer and per multiply-accumulate of one frame, on every core that the embedded emulator has.

    python bench/layers.py [model.onnx]

Executed instructions are exact and repeatable; the cycles are an estimate from board.toml.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from codesign.boards import Board, list_boards, load_board
from codesign.build import build_bare
from codesign.emulate import emulate_unicorn
from codesign.emulate.unicorn import supports
from codesign.frontend import whole_hops
from codesign.load import load_onnx
from codesign.lower import lower
from codesign.lower.network import Network
from codesign.resources import resource
from codesign.verify.signals import proof_signal


def bench(network: Network, board: Board) -> None:
    """Print a Markdown table of one board."""
    signal = proof_signal([], network.frontend.sample_rate, 1.0)[: 4 * network.frontend.sample_rate]
    pcm = whole_hops(signal, network.frontend.hop)
    with tempfile.TemporaryDirectory() as folder:
        image = build_bare(network, board, Path(folder) / "bare")
        run = emulate_unicorn(image, board, pcm, counted_frames=pcm.size // network.frontend.hop)
    print(f"\n### {board.name}: {board.core.cpu}, {image.compiler}\n")
    print("| stage | MACs | instructions (worst) | per MAC |\n|---|---:|---:|---:|")
    for layer in run.layers:
        per_mac = f"{layer.worst / layer.macs:.3f}" if layer.macs else ""
        print(f"| {layer.name} | {layer.macs:,} | {layer.worst:,} | {per_mac} |")
    stages = {layer.name for layer in network.schedule}
    step = sum(layer.worst for layer in run.layers if layer.name in stages)
    assert run.instructions is not None
    cycles = run.instructions.max() * board.timing.cycles_per_instruction
    print(f"| network step | {network.macs:,} | {step:,} | {step / network.macs:.3f} |")
    print(f"| frame | | {run.instructions.max():,} | |")
    print(f"\nEstimated worst frame: {1000 * cycles / board.core.clock_hz:.2f} ms ±{100 * board.timing.error:.0f} %")


def main() -> None:
    """Bench the given model, or the shipped one, on every supported board."""
    model = Path(sys.argv[1]) if len(sys.argv) > 1 else resource("models", "starter", "starter.onnx")
    network = lower(load_onnx(model))
    for name in list_boards():
        board = load_board(name)
        if board.memories and supports(board):
            bench(network, board)
        else:
            print(f"\n{name}: not run, the embedded emulator has no {board.core.cpu}")


if __name__ == "__main__":
    main()

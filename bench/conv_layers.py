# SPDX-License-Identifier: Apache-2.0
"""Convolutions of 16-bit activations beside CMSIS-NN's, at the shapes of a speech network of 48 k parameters.

    python bench/conv_layers.py [--cmsis-nn CHECKOUT] [--board NAME]...

Executed instructions are exact and repeatable; cycles are estimates. CMSIS-NN's results are compared with ours: the same but
for one LSB, since it rounds twice.
"""

from __future__ import annotations

import argparse
import struct
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from section import Section
from subjects import check_checkout

from codesign.base.errors import CodesignError
from codesign.base.resources import resource
from codesign.compiler.layers import Conv2d, ConvTranspose2d
from codesign.compiler.layers.conv_code import Axis, block_results, pack_conv
from codesign.compiler.layers.conv_runs_code import ConvRuns, conv_runs
from codesign.compiler.layers.convolution import Convolution
from codesign.compiler.layers.depthwise_code import depthwise_rows
from codesign.compiler.layers.history import RING_KERNELS
from codesign.compiler.layers.packing_pairs import pack_depthwise
from codesign.compiler.layers.packing_rows import ROW_KERNELS, pack_depthwise_rows
from codesign.firmware.boards import Board, load_board
from codesign.firmware.cost import cycles_of_blocks
from codesign.firmware.toolchain.compilers import COMMON_FLAGS, ArmCompiler, find_arm_compiler
from codesign.firmware.toolchain.kernels import best_kernel, kernels_for
from codesign.firmware.toolchain.runtime import runtime_sources
from codesign.testing.calls import Calls, build_calls
from codesign.testing.open_calls import open_calls

PEERS = Path(__file__).with_name("peers")
NONE, ONE, TWO = ((0, 0), (0, 0)), ((0, 0), (1, 1)), ((0, 0), (2, 2))
FUNCTIONS = ("cs_conv_s16", "cs_depthwise_s16", "cs_depthwise_rows_s16")
STAGED = "cs_conv_runs_s16"
TEXT = (
    "16-bit activations, int8 weights by channel, of one frame; ours with PReLU in it, which CMSIS-NN's have not. It has no "
    "transposed convolution of this type, and no groups: its figure is that of each group by itself. Ours read and write "
    "[channels, time, frequency], CMSIS-NN's channels last."
)

# name: weights (outputs, inputs of a group, time, frequency), source, stride, dilation, padding, groups, transposed
LAYERS = {
    "9→16, 1×5, stride 2": ((16, 9, 1, 5), (9, 1, 129), (1, 2), (1, 1), TWO, 1, False),
    "16→16, 1×5, stride 2, 2 groups": ((16, 8, 1, 5), (16, 1, 65), (1, 2), (1, 1), TWO, 2, False),
    "24→16, 1×1": ((16, 24, 1, 1), (24, 1, 33), (1, 1), (1, 1), NONE, 1, False),
    "16→8, 1×1": ((8, 16, 1, 1), (16, 1, 33), (1, 1), (1, 1), NONE, 1, False),
    "depthwise 16, 3×3": ((16, 1, 3, 3), (16, 3, 33), (1, 1), (1, 1), ONE, 16, False),
    "depthwise 16, 3×3, dilation 5": ((16, 1, 3, 3), (16, 11, 33), (1, 1), (5, 1), ONE, 16, False),
    "transposed 16→16, 1×5, stride 2, 2 groups": ((16, 8, 1, 5), (16, 1, 33), (1, 2), (1, 1), TWO, 2, True),
    "transposed 16→2, 1×5, stride 2": ((2, 16, 1, 5), (16, 1, 65), (1, 2), (1, 1), TWO, 1, True),
}


@dataclass(frozen=True)
class ConvCost:
    """One call. `peer` and `peer_cycles` None where CMSIS-NN has no such layer or is not there."""

    board: str
    core: str
    compiler: str
    layer: str
    macs: int
    instructions: int
    cycles: float
    scratch: int
    peer: int | None
    peer_cycles: float | None


def convolutions(board: Board, compiler: ArmCompiler, checkout: Path | None) -> Iterator[ConvCost]:
    """All layers on a board.

    Raises:
        CodesignError: a compiler or emulator is missing, a build fails, or results differ from the reference.
    """
    with tempfile.TemporaryDirectory(prefix="codesign-bench-") as name:
        sources = [file for file in runtime_sources(kernels_for(board)) if file.parent.name == "nn"]
        functions = (*FUNCTIONS, STAGED) if best_kernel(board) in ROW_KERNELS else FUNCTIONS
        ours = _open(
            sources, (*COMMON_FLAGS, f"-I{resource('runtime', 'include')}"), functions, board, compiler, Path(name, "ours")
        )
        theirs = None
        if checkout is not None:
            theirs = _open(
                _peer_sources(checkout), _peer_flags(checkout), ("peer_conv_step",), board, compiler, Path(name, "theirs")
            )
        for title, shape in LAYERS.items():
            layer = _layer(*shape)
            x = np.random.default_rng(5).integers(-32767, 32768, layer.shape).astype(np.int16)
            y, instructions, cycles = _run_ours(ours, layer, x, board)
            if (y != layer.apply(x)).any():
                raise CodesignError(f"{title}: the kernel differs from the reference on {board.name}")
            peer = _run_peer(theirs, layer, x, board) if theirs is not None and isinstance(layer, Conv2d) else (None, None)
            cost = (layer.macs, instructions, cycles, layer.scratch_bytes)
            yield ConvCost(board.name, board.core.cpu, compiler.name, title, *cost, *peer)


def convolutions_section(found: list[ConvCost]) -> Section:
    """The report's."""
    head = (
        "core",
        "layer",
        "compiler",
        "MACs",
        "instructions",
        "instr/MAC",
        "est. cycles/MAC",
        "scratch",
        "CMSIS-NN",
        "times fewer",
    )
    rows = []
    for c in found:
        peer = (f"{c.peer:,}", f"{c.peer / c.instructions:.2f}") if c.peer else ("", "")
        figures = (
            f"{c.macs:,}",
            f"{c.instructions:,}",
            f"{c.instructions / c.macs:.2f}",
            f"{c.cycles / c.macs:.2f}",
            f"{c.scratch:,}",
        )
        rows.append((c.core, c.layer, c.compiler, *figures, *peer))
    return Section("Convolutions", TEXT, head, rows, left=3)


def _layer(weights, shape, stride, dilation, padding, groups, transposed) -> Convolution:  # type: ignore[no-untyped-def]
    rng, outputs = np.random.default_rng(3), weights[0]
    fields = {
        "name": "conv",
        "source": "x",
        "output": "y",
        "weights": rng.integers(-127, 128, weights).astype(np.int8),
        "bias": rng.integers(-(2**20), 2**20, outputs).astype(np.int32),
        "multiplier": rng.integers(2**30, 2**31, outputs).astype(np.int32),
        "shift": np.full(outputs, -9, np.int32),
        "shape": shape,
        "stride": stride,
        "dilation": dilation,
        "padding": padding,
        "groups": groups,
        "bits": 16,
        "source_zero_point": 0,
        "zero_point": 0,
        "low": -32767,
        "high": 32767,
        "negative": rng.integers(2**27, 2**29, outputs).astype(np.int32),
        "twice": False,
    }
    return ConvTranspose2d(**fields, output_padding=(0, 0)) if transposed else Conv2d(**fields)


def _open(
    sources: list[Path], flags: tuple[str, ...], keep: tuple[str, ...], board: Board, compiler: ArmCompiler, folder: Path
) -> tuple[Calls, Path]:
    folder.mkdir()
    elf = build_calls(sources, flags, board, compiler, folder, keep=keep)
    return open_calls(elf, board, tracing=True), elf


def _peer_sources(checkout: Path) -> list[Path]:
    names = ("convolve_wrapper", "convolve", "convolve_get_buffer_sizes", "depthwise_conv_wrapper")
    names += ("depthwise_conv", "depthwise_conv_fast", "depthwise_conv_get_buffer_sizes")
    wanted = [checkout / "Source" / "ConvolutionFunctions" / f"arm_{name}_s16.c" for name in names]
    wanted.append(checkout / "Source" / "ConvolutionFunctions" / "arm_nn_mat_mult_kernel_s16.c")
    check_checkout(checkout, "CMSIS-NN", [checkout / "Include" / "arm_nnfunctions.h", *wanted])
    support = sorted((checkout / "Source" / "NNSupportFunctions").glob("*.c"))
    return [PEERS / "cmsis_nn_conv.c", *wanted, *(s for s in support if not s.stem.endswith(("_f16", "_f32")))]


def _peer_flags(checkout: Path) -> tuple[str, ...]:
    return ("-std=c11", "-O3", "-fhosted", "-w", f"-I{checkout / 'Include'}")


def _axis(a: Axis) -> bytes:
    return struct.pack("<i6H", a.origin, a.taps, a.step, a.dilation, a.source, a.results, a.y_step)


def _run_ours(opened: tuple[Calls, Path], layer: Convolution, x: np.ndarray, board: Board) -> tuple[np.ndarray, int, float]:
    calls, elf = opened
    calls.clear()
    bias, multiplier, shift, negative = (calls.put(array) for array in layer.constants)
    x_at, y_at = calls.put(x), calls.put(bytes(2 * int(np.prod(layer.result_shape))))
    if best_kernel(board) in RING_KERNELS and (phase := depthwise_rows(layer)) is not None:
        pack = pack_depthwise_rows if best_kernel(board) in ROW_KERNELS else pack_depthwise
        words = calls.put(pack(phase.weights[:, 0], layer.bias, layer.multiplier, layer.constants[3], layer.shift))
        time, frequency = phase.time, phase.frequency
        data = struct.pack("<I5H", words, layer.groups, time.source, frequency.source, time.origin, time.dilation)
        calls.call(FUNCTIONS[2], calls.put(data), x_at, 0, y_at)
        y = calls.get(y_at, np.int16, int(np.prod(layer.result_shape))).reshape(layer.result_shape)
        return y, calls.instructions, sum(cycles_of_blocks(calls.blocks, elf, board).values())
    if best_kernel(board) in ROW_KERNELS and (runs := conv_runs(layer)) is not None:
        return _run_staged(opened, layer, runs, x_at, y_at, board)
    scratch, (outputs, time, frequency) = calls.put(bytes(layer.scratch_bytes)), layer.result_shape
    total, cycles = 0, 0.0
    for phase in layer.phases():
        packed = phase.weights.reshape(-1) if layer.depthwise else pack_conv(phase.weights, layer.groups)
        shape = (layer.groups, phase.weights.shape[1], outputs // layer.groups, block_results(phase, layer.depthwise))
        shape += (phase.interleaved, frequency)
        data = (
            struct.pack("<5I", calls.put(packed), bias, multiplier, negative, shift)
            + _axis(phase.time)
            + _axis(phase.frequency)
        )
        data += struct.pack("<6H4i2I", *shape, 0, 0, layer.low, layer.high, time * frequency, layer.twice)
        calls.call(FUNCTIONS[layer.depthwise], calls.put(data), x_at, y_at + 2 * phase.y_offset, scratch)
        total += calls.instructions
        cycles += sum(cycles_of_blocks(calls.blocks, elf, board).values())
    return calls.get(y_at, np.int16, outputs * time * frequency).reshape(layer.result_shape), total, cycles


def _run_staged(
    opened: tuple[Calls, Path], layer: Convolution, runs: tuple[ConvRuns, ...], x_at: int, y_at: int, board: Board
) -> tuple[np.ndarray, int, float]:
    calls, elf = opened
    scratch, total, cycles = calls.put(bytes(layer.scratch_bytes)), 0, 0.0
    for run in runs:
        phase, rows = run.phase, len(run.constants) // layer.groups
        data = struct.pack("<2I", calls.put(run.weights), calls.put(run.constants)) + _axis(phase.time) + _axis(phase.frequency)
        shape = (layer.groups, phase.weights.shape[1], rows, run.vectors, run.block)
        data += struct.pack("<5H2xI", *shape, run.weights[0].size)
        calls.call(STAGED, calls.put(data), x_at, y_at + 2 * phase.y_offset, scratch)
        total += calls.instructions
        cycles += sum(cycles_of_blocks(calls.blocks, elf, board).values())
    y = calls.get(y_at, np.int16, int(np.prod(layer.result_shape))).reshape(layer.result_shape)
    return y, total, cycles


def _run_peer(opened: tuple[Calls, Path], layer: Convolution, x: np.ndarray, board: Board) -> tuple[int, float]:
    calls, elf = opened
    calls.clear()
    groups = 1 if layer.depthwise else layer.groups
    layer, x = _one_group(layer, groups), x[: len(x) // groups]
    outputs, *results = layer.result_shape
    weights = layer.weights[:, 0].transpose(1, 2, 0) if layer.depthwise else layer.weights.transpose(0, 2, 3, 1)
    constants = [np.ascontiguousarray(weights), layer.bias, layer.bias.astype(np.int64), layer.multiplier, layer.shift]
    taps, padding = layer.weights.shape[2:], [before for before, _ in layer.padding]
    head = (layer.depthwise, layer.weights.shape[1], outputs, layer.shape[0], *taps, *layer.stride, *layer.dilation, *padding)
    data = struct.pack("<16i5I", *head, *layer.shape[1:], *results, *(calls.put(array) for array in constants))
    x_at, y_at = calls.put(np.ascontiguousarray(x.transpose(1, 2, 0))), calls.put(bytes(2 * outputs * int(np.prod(results))))
    size = 1 << 14
    if calls.call("peer_conv_step", calls.put(data), x_at, y_at, calls.put(bytes(size)), size):
        raise CodesignError("CMSIS-NN refuses a convolution")
    y = calls.get(y_at, np.int16, outputs * int(np.prod(results))).reshape(*results, outputs).transpose(2, 0, 1)
    plain = layer.apply(x)
    positive = plain >= 0  # PReLU is ours alone
    if np.abs(y.astype(np.int64) - plain)[positive].max() > 1:
        raise CodesignError("CMSIS-NN computes another convolution")
    return groups * calls.instructions, groups * sum(cycles_of_blocks(calls.blocks, elf, board).values())


def _one_group(layer: Convolution, groups: int) -> Convolution:
    """The first of `groups` groups as a layer of its own."""
    if groups == 1:
        return layer
    outputs, (channels, time, frequency) = len(layer.weights) // groups, layer.shape
    names = ("weights", "bias", "multiplier", "shift", "negative")
    constants = {name: getattr(layer, name)[:outputs] for name in names}
    return replace(layer, **constants, shape=(channels // groups, time, frequency), groups=1)


def main() -> int:
    """Parse arguments, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cmsis-nn", type=Path, metavar="PATH", help="a checkout of ARM-software/CMSIS-NN")
    parser.add_argument("--board", action="append", help="repeatable; default nrf5340dk")
    parser.add_argument("--compiler", action="append", help="repeatable; default ziglang")
    options = parser.parse_args()
    try:
        for board in map(load_board, options.board or ["nrf5340dk"]):
            for name in options.compiler or ["ziglang"]:
                found = list(convolutions(board, find_arm_compiler(name), options.cmsis_nn))
                section = convolutions_section(found)
                print("\n".join(" | ".join(row) for row in (section.head, *section.rows)))
                print(f"all: {sum(c.instructions for c in found):,} instructions")
    except CodesignError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())

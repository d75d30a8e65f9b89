# SPDX-License-Identifier: Apache-2.0
"""Layers of int16 values, and GRUs: ours, and CMSIS-NN's where it has them."""

from __future__ import annotations

import struct
import tempfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from section import Section
from subjects import PEERS, Prepared, check_checkout, ours

from codesign.compiler.layers.packing import PACKERS
from codesign.compiler.layers.packing_wide import PACKERS_WIDE
from codesign.compiler.layers.scratch import BLOCK_ROWS, prepared_bytes
from codesign.firmware.boards import Board
from codesign.firmware.cost import cycles_of_blocks
from codesign.firmware.toolchain.compilers import ArmCompiler
from codesign.firmware.toolchain.kernels import best_kernel
from codesign.testing.calls import Calls, build_calls
from codesign.testing.open_calls import open_calls

N = 256
_GRU_SCRATCH = 6 * 4 * 16
_SOURCES = (
    *("LSTMFunctions/arm_lstm_unidirectional_s16.c", "FullyConnectedFunctions/arm_fully_connected_s16.c"),
    *("ActivationFunctions/arm_nn_activation_s16.c", "BasicMathFunctions/arm_elementwise_mul_s16.c"),
    *("BasicMathFunctions/arm_elementwise_mul_acc_s16.c", "BasicMathFunctions/arm_elementwise_mul_s16_batch_offset.c"),
)


@dataclass(frozen=True)
class WideCost:
    """One layer of 256 to 256 once; `cycles` is an estimate."""

    core: str
    layer: str
    library: str
    macs: int
    instructions: int
    cycles: float


@dataclass(frozen=True)
class _Job:
    layer: str
    macs: int
    keep: tuple[str, ...]
    prepare: Callable[[Calls, str], Prepared]


def _weights(rows: int) -> np.ndarray:
    return np.random.default_rng(rows).integers(-127, 128, (rows, N)).astype(np.int8)


def _vector(wide: bool) -> np.ndarray:
    return np.random.default_rng(1).integers(-127, 128, N).astype(np.int16 if wide else np.int8)


def _matrix(calls: Calls, kernel: str, rows: int, wide: bool) -> bytes:
    packed = calls.put((PACKERS_WIDE if wide else PACKERS)[kernel](_weights(rows)))
    return struct.pack("<IIHH", calls.address(f"cs_kernel_{'wide_' if wide else ''}{kernel}"), packed, rows, N)


def _fully_connected(calls: Calls, kernel: str) -> Prepared:
    constants = (np.zeros(N, np.int32), np.full(N, 1 << 30, np.int32), np.full(N, -8, np.int8))
    pointers = (calls.put(array) for array in constants)
    layer = calls.put(_matrix(calls, kernel, N, True) + struct.pack("<IIIiii", *pointers, 0, -32767, 32767))
    scratch = prepared_bytes(N) + 4 * BLOCK_ROWS
    vectors = calls.put(_vector(True)), calls.put(bytes(2 * N)), calls.put(bytes(scratch))
    return "cs_fully_connected_wide_s16", (layer, *vectors), scratch


def _lstm(calls: Calls, kernel: str) -> Prepared:
    matrices = _matrix(calls, kernel, 4 * N, True) * 2
    constants = struct.pack("<8i4BBBbxi", *[1 << 23] * 8, *[8] * 4, 11, 14, 0, 1 << 30)
    layer = calls.put(matrices + struct.pack("<I", calls.put(np.zeros(4 * N, np.int32))) + constants)
    scratch = 2 * prepared_bytes(N) + 8 * BLOCK_ROWS
    states = calls.put(_vector(True)), calls.put(bytes(2 * N)), calls.put(bytes(scratch))
    return "cs_lstm_step_wide", (layer, calls.put(_vector(True)), *states), scratch


def _gru(wide: bool) -> Callable[[Calls, str], Prepared]:
    def prepare(calls: Calls, kernel: str) -> Prepared:
        matrices = _matrix(calls, kernel, 2 * N, wide) * 2 + _matrix(calls, kernel, N, wide) * 2
        biases = (calls.put(np.zeros(2 * N, np.int32)) for _ in range(3))
        numbers = (*[1 << 23] * 6, *[8] * 3, 14 if wide else 22, 1 << 30, 0, 1, int(wide))
        layer = calls.put(matrices + struct.pack("<3I6i4BibBBx", *biases, *numbers))
        scratch = 2 * prepared_bytes(N) + _GRU_SCRATCH
        return "cs_gru_step", (layer, calls.put(_vector(wide)), calls.put(_vector(wide)), calls.put(bytes(scratch))), scratch

    return prepare


_OURS = (
    _Job("FC 16×8", N * N, ("cs_fully_connected_wide_s16",), _fully_connected),
    _Job("LSTM 16×8", 8 * N * N, ("cs_lstm_step_wide",), _lstm),
    _Job("GRU", 6 * N * N, ("cs_gru_step",), _gru(False)),
    _Job("GRU 16×8", 6 * N * N, ("cs_gru_step",), _gru(True)),
)


def _peer_fully_connected(calls: Calls, kernel: str) -> Prepared:
    arrays = calls.put(_weights(N)), calls.put(np.zeros(N, np.int64))
    vectors = calls.put(_vector(True)), calls.put(bytes(2 * N)), calls.put(bytes(4 * N))
    return "peer_fully_connected_step_s16", (calls.put(struct.pack("<iiII", N, N, *arrays)), *vectors), 4 * N


def _peer_lstm(calls: Calls, kernel: str) -> Prepared:
    arrays = calls.put(_weights(4 * N)), calls.put(_weights(4 * N)), calls.put(np.zeros(4 * N, np.int64))
    layer = calls.put(struct.pack("<iiIII", N, N, *arrays))
    states = calls.put(_vector(True)), calls.put(bytes(2 * N)), calls.put(bytes(4 * N))
    return "peer_lstm_step_s16", (layer, calls.put(_vector(True)), *states), 4 * N


_PEERS = (
    _Job("FC 16×8", N * N, ("peer_fully_connected_step_s16",), _peer_fully_connected),
    _Job("LSTM 16×8", 8 * N * N, ("peer_lstm_step_s16",), _peer_lstm),
)


def wide_layers(board: Board, compiler: ArmCompiler, checkout: Path | None) -> Iterator[WideCost]:
    """Our layers, and those of a checkout of CMSIS-NN, on a board.

    Raises:
        InputError: the checkout lacks a source. ToolError, BuildError: a compiler or emulator is missing, or it does not build.
    """
    kernel, mine = best_kernel(board), ours()
    kernels = (f"cs_kernel_{kernel}", f"cs_kernel_wide_{kernel}")
    yield from _measured("codesign", board, compiler, mine.sources(board), mine.flags, _OURS, kernels)
    if checkout is None:
        return
    sources = [checkout / "Source" / name for name in _SOURCES]
    check_checkout(checkout, "CMSIS-NN", [checkout / "Include" / "arm_nnfunctions.h", *sources])
    support = sorted((checkout / "Source" / "NNSupportFunctions").glob("*.c"))
    sources += [PEERS / "cmsis_nn_s16.c", *(s for s in support if not s.stem.endswith(("_f16", "_f32")))]
    flags = ("-std=c11", "-O3", "-fhosted", "-w", f"-I{checkout / 'Include'}", f"-I{PEERS}")
    yield from _measured("CMSIS-NN", board, compiler, sources, flags, _PEERS, ())


def _measured(
    library: str,
    board: Board,
    compiler: ArmCompiler,
    sources: list[Path],
    flags: tuple[str, ...],
    jobs: Iterable[_Job],
    more: tuple[str, ...],
) -> Iterator[WideCost]:
    keep = (*(name for job in jobs for name in job.keep), *more)
    with tempfile.TemporaryDirectory(prefix="codesign-bench-") as name:
        elf = build_calls(sources, flags, board, compiler, Path(name), keep=keep)
        calls = open_calls(elf, board, tracing=True)
        for job in jobs:
            calls.clear()
            function, arguments, _ = job.prepare(calls, best_kernel(board))
            calls.call(function, *arguments)
            cycles = sum(cycles_of_blocks(calls.blocks, elf, board).values())
            yield WideCost(board.core.cpu, job.layer, library, job.macs, calls.instructions, cycles)


def wide_section(found: Iterable[WideCost]) -> Section:
    """The table of the report."""
    costs = list(found)
    peers = {(c.core, c.layer): c.instructions for c in costs if c.library == "CMSIS-NN"}
    rows = []
    for c in costs:
        peer = peers.get((c.core, c.layer)) if c.library == "codesign" else None
        ratio = f"{peer / c.instructions:.2f}" if peer else ""
        per_mac = f"{c.instructions / c.macs:.3f}"
        rows.append((c.core, c.layer, c.library, f"{c.instructions:,}", per_mac, ratio, f"{c.cycles / c.macs:.2f}"))
    text = (
        f"{N} inputs, {N} outputs; int8 weights, int16 values for 16×8. The reset gate of the GRU multiplies the recurrent "
        "sums (PyTorch's form). CMSIS-NN has no GRU."
    )
    head = ("core", "layer", "library", "instructions", "instr/MAC", "times fewer", "est. cycles/MAC")
    return Section("int16 values, and GRUs", text, head, rows, left=3)

# SPDX-License-Identifier: Apache-2.0
"""What is compared: our kernels, CMSIS-NN from a checkout of the user's, and plain C as generators write it."""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from codesign.base.errors import InputError
from codesign.base.resources import resource
from codesign.compiler.layers.packing import PACKERS
from codesign.compiler.layers.scratch import BLOCK_ROWS
from codesign.firmware.boards import Board
from codesign.firmware.toolchain.compilers import COMMON_FLAGS
from codesign.firmware.toolchain.kernels import best_kernel, kernels_for
from codesign.firmware.toolchain.runtime import runtime_sources
from codesign.testing.calls import Calls

PEERS = Path(__file__).with_name("peers")
Prepared = tuple[str, tuple[int, ...], int]
"""A function, its arguments, and the bytes of scratch that it was given."""


@dataclass(frozen=True)
class Subject:
    """A library to measure: what to compile for a board, which symbols are wanted, and how to call its layers."""

    name: str
    sources: Callable[[Board], list[Path]]
    flags: tuple[str, ...]
    keep: Callable[[Board], tuple[str, ...]]
    lstm: Callable[[Calls, Board, int, int], Prepared]
    fully_connected: Callable[[Calls, Board, int, int], Prepared]


def ours(kernel: str = "") -> Subject:
    """runtime/nn with the kernel that is the fastest of each core, or with `kernel`."""

    def chosen(board: Board) -> str:
        return kernel or best_kernel(board)

    return Subject(
        f"codesign, {kernel}" if kernel else "codesign",
        lambda board: [file for file in runtime_sources(kernels_for(board)) if file.parent.name == "nn"],
        (*COMMON_FLAGS, f"-I{resource('runtime', 'include')}"),
        lambda board: ("cs_lstm_step", "cs_fully_connected_s8", f"cs_kernel_{chosen(board)}"),
        lambda calls, board, inputs, units: _our_lstm(calls, chosen(board), inputs, units),
        lambda calls, board, columns, rows: _our_fully_connected(calls, chosen(board), columns, rows),
    )


def plain() -> Subject:
    """bench/peers/plain.c."""
    return _peer("plain C", [PEERS / "plain.c"], (*COMMON_FLAGS, f"-I{PEERS}"))


def cmsis_nn(checkout: Path, *, four_bit: bool = False) -> Subject:
    """CMSIS-NN's int8 layers; with `four_bit` its fully connected layer of 4-bit weights too.

    Raises:
        InputError: `checkout` is not one.
    """
    header = checkout / "Include" / "arm_nnfunctions.h"
    wanted = (
        *("LSTMFunctions/arm_lstm_unidirectional_s8.c", "FullyConnectedFunctions/arm_fully_connected_s8.c"),
        *("ActivationFunctions/arm_nn_activation_s16.c", "BasicMathFunctions/arm_elementwise_mul_s16.c"),
        *("BasicMathFunctions/arm_elementwise_mul_acc_s16.c", "BasicMathFunctions/arm_elementwise_mul_s16_s8.c"),
    )
    if four_bit:
        wanted += ("FullyConnectedFunctions/arm_fully_connected_s4.c",)
    sources = [checkout / "Source" / name for name in wanted]
    check_checkout(checkout, "CMSIS-NN", [header, *sources])
    support = sorted((checkout / "Source" / "NNSupportFunctions").glob("*.c"))
    sources += [s for s in support if not s.stem.endswith(("_f16", "_f32"))]
    # Hosted: else its memcpy of four bytes is a call, which nobody's build has.
    flags = ("-std=c11", "-O3", "-fhosted", "-w", f"-I{checkout / 'Include'}", f"-I{PEERS}")
    more = ("peer_fully_connected_step_s4",) if four_bit else ()
    return _peer("CMSIS-NN", [PEERS / "cmsis_nn.c", *sources], (*flags, "-DFOUR_BIT") if four_bit else flags, more)


def check_checkout(checkout: Path, name: str, files: Sequence[Path]) -> None:
    """Raise InputError unless `checkout` has all `files` of ARM-software's repository `name`; the first tells what it is."""
    missing = [file for file in files if not file.is_file()]
    if files[0] in missing:
        raise InputError(f"{checkout} is no checkout of {name}", hint=f"git clone https://github.com/ARM-software/{name}")
    if missing:
        what = f"has no {missing[0].relative_to(checkout)}: not complete, or a version that keeps it elsewhere"
        raise InputError(f"{name} in {checkout} {what}", hint=f"git clone https://github.com/ARM-software/{name}")


def _peer(name: str, sources: list[Path], flags: tuple[str, ...], more: tuple[str, ...] = ()) -> Subject:
    kept = ("peer_lstm_step", "peer_fully_connected_step", *more)
    return Subject(name, lambda board: sources, flags, lambda board: kept, _peer_lstm, peer_fully_connected)


def _weights(rows: int, columns: int) -> np.ndarray:
    return np.random.default_rng(rows * columns).integers(-127, 128, (rows, columns)).astype(np.int8)


def _vector(n: int) -> np.ndarray:
    return np.random.default_rng(n).integers(-127, 128, n).astype(np.int8)


def _matrix(calls: Calls, kernel: str, rows: int, columns: int) -> bytes:
    return struct.pack(
        "<IIHH", calls.address(f"cs_kernel_{kernel}"), calls.put(PACKERS[kernel](_weights(rows, columns))), rows, columns
    )


def _our_lstm(calls: Calls, kernel: str, inputs: int, units: int) -> Prepared:
    matrices = _matrix(calls, kernel, 4 * units, inputs) + _matrix(calls, kernel, 4 * units, units)
    constants = struct.pack("<8i4BBBbxi", *[1 << 23] * 8, *[8] * 4, 11, 20, 0, 1 << 29)
    layer = calls.put(matrices + struct.pack("<I", calls.put(np.zeros(4 * units, np.int32))) + constants)
    scratch = 2 * (-(-inputs // 4) * 4) + 8 + 2 * (-(-units // 4) * 4) + 8 + 8 * BLOCK_ROWS
    state = (calls.put(_vector(units)), calls.put(np.zeros(units, np.int16)))
    return "cs_lstm_step", (layer, calls.put(_vector(inputs)), *state, calls.put(bytes(scratch))), scratch


def _our_fully_connected(calls: Calls, kernel: str, columns: int, rows: int) -> Prepared:
    constants = (np.zeros(rows, np.int32), np.full(rows, 1 << 30, np.int32), np.full(rows, -8, np.int8))
    pointers = (calls.put(array) for array in constants)
    layer = calls.put(_matrix(calls, kernel, rows, columns) + struct.pack("<IIIiii", *pointers, 0, -127, 127))
    scratch = 2 * (-(-columns // 4) * 4) + 8 + 4 * min(-(-rows // 4) * 4, BLOCK_ROWS)
    vectors = (calls.put(_vector(columns)), calls.put(bytes(rows)))
    return "cs_fully_connected_s8", (layer, *vectors, calls.put(bytes(scratch))), scratch


def _peer_lstm(calls: Calls, board: Board, inputs: int, units: int) -> Prepared:
    arrays = (_weights(4 * units, inputs), _weights(4 * units, units), np.zeros(4 * units, np.int32))
    layer = calls.put(struct.pack("<iiIII", inputs, units, *(calls.put(array) for array in arrays)))
    state = (calls.put(_vector(units)), calls.put(np.zeros(units, np.int16)))
    scratch = 4 * units
    return "peer_lstm_step", (layer, calls.put(_vector(inputs)), *state, calls.put(bytes(scratch))), scratch


def peer_fully_connected(calls: Calls, board: Board, columns: int, rows: int) -> Prepared:
    """Arguments of peer.h's fully connected layer."""
    arrays = (_weights(rows, columns), np.zeros(rows, np.int32))
    layer = calls.put(struct.pack("<iiII", rows, columns, *(calls.put(array) for array in arrays)))
    scratch = 4 * rows
    vectors = (calls.put(_vector(columns)), calls.put(bytes(rows)))
    return "peer_fully_connected_step", (layer, *vectors, calls.put(bytes(scratch))), scratch

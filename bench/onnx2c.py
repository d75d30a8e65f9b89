# SPDX-License-Identifier: Apache-2.0
"""What onnx2c, a generator of plain C, makes of the float layers: the user's own binary, compiled and counted like ours."""

from __future__ import annotations

import re
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
from measure import FULLY_CONNECTED_SHAPES, LSTM_SHAPES, Measurement
from onnx import TensorProto, helper
from section import Section

from codesign.base.errors import BuildError, InputError, ToolError
from codesign.firmware.boards import Board
from codesign.firmware.cost import cycles_of_blocks
from codesign.firmware.machines.unicorn import supports
from codesign.firmware.toolchain.compilers import ArmCompiler, find_arm_compiler
from codesign.testing.calls import build_calls
from codesign.testing.open_calls import open_calls

_OPSET = 14
_FLASH = 8 << 20
_HINT = "--onnx2c takes the binary that a build of github.com/kraiskil/onnx2c makes"
_TEXT = (
    "One step of the float32 ONNX operators `LSTM` and `Gemm`, C by the user's own onnx2c, compiled with -O3 by the same "
    "gcc and linked with its newlib, whose `expf` and `tanhf` the gates call. It has no int8 LSTM, so this is what a "
    "generator that keeps the floats costs; weights take four times the flash. `codesign` is the int8 layer of the "
    "tables above."
)


@dataclass(frozen=True)
class FloatLayer:
    """One float layer on a core: exact instructions, estimated cycles, both per call."""

    core: str
    compiler: str
    layer: str
    inputs: int
    outputs: int
    macs: int
    instructions: int
    cycles: float


def check_onnx2c(program: Path) -> None:
    """Raise InputError for what is not onnx2c: a small layer is tried."""
    if not program.is_file():
        raise InputError(f"{program} is no program", hint=_HINT)
    with tempfile.TemporaryDirectory(prefix="codesign-bench-") as folder:
        model = Path(folder) / "layer.onnx"
        onnx.save(_gemm(4, 4), model)
        _generate(program, model)


def onnx2c_layers(program: Path, board: Board, skipped: list[str]) -> Iterator[FloatLayer]:
    """All shapes on a board that Unicorn has.

    Raises:
        InputError: `program` is not onnx2c or refuses the layers.
        BuildError: its C does not build.
    """
    if not supports(board):
        return
    try:
        compiler = find_arm_compiler("arm-none-eabi-gcc")
    except ToolError as error:
        skipped.append(f"onnx2c: {error}; its C needs a libm")
        return
    # Float weights of the larger layers fit no board here.
    flash = board.flash.model_copy(update={"length": _FLASH, "reserved": 0})
    board = board.model_copy(update={"memories": {**board.memories, "flash": flash}})
    for kind, shapes in (("LSTM", LSTM_SHAPES), ("FC", FULLY_CONNECTED_SHAPES)):
        for inputs, outputs in shapes:
            macs = 4 * outputs * (inputs + outputs) if kind == "LSTM" else inputs * outputs
            instructions, cycles = _count(program, board, compiler, kind, inputs, outputs)
            yield FloatLayer(board.core.cpu, compiler.name, kind, inputs, outputs, macs, instructions, cycles)


def onnx2c_section(found: Sequence[FloatLayer], layers: Sequence[Measurement]) -> Section:
    """The report's, beside the best int8 layer of ours in `layers`."""
    head = ("core", "layer", "instructions", "instr/MAC", "est. cycles/MAC", "codesign: instr/MAC", "times fewer instructions")
    rows = []
    for f in found:
        same = [
            m.instructions
            for m in layers
            if m.subject == "codesign" and (m.core, m.layer, m.inputs, m.outputs) == (f.core, f.layer, f.inputs, f.outputs)
        ]
        ours = (f"{min(same) / f.macs:.3f}", f"{f.instructions / min(same):.1f}") if same else ("", "")
        figures = (f"{f.instructions:,}", f"{f.instructions / f.macs:.2f}", f"{f.cycles / f.macs:.2f}")
        rows.append((f.core, f"{f.layer} {f.inputs}→{f.outputs}", *figures, *ours))
    return Section("Float layers by onnx2c", _TEXT, head, rows, left=2)


def _count(program: Path, board: Board, compiler: ArmCompiler, kind: str, inputs: int, outputs: int) -> tuple[int, float]:
    with tempfile.TemporaryDirectory(prefix="codesign-bench-") as name:
        folder = Path(name)
        model, source = folder / "layer.onnx", folder / "layer.c"
        onnx.save(_lstm(inputs, outputs) if kind == "LSTM" else _gemm(inputs, outputs), model)
        source.write_text(_generate(program, model), encoding="utf-8")
        headers = Path(compiler.compile[0]).parents[1] / "include" / "newlib"  # where a moved toolchain does not look
        flags = ("-std=c11", "-O3", "-fno-math-errno", "-fhosted", "-w", f"-idirafter{headers}")
        newlib = _newlib(compiler, board)
        elf = build_calls([source], flags, board, compiler, folder, keep=("entry",), libraries=newlib)
        calls = open_calls(elf, board, tracing=True)
        rng = np.random.default_rng(0)
        sizes = (inputs, outputs, outputs, outputs, outputs, outputs) if kind == "LSTM" else (inputs, outputs)
        arguments = [calls.put(rng.uniform(-1, 1, size).astype(np.float32)) for size in sizes]
        calls.call("entry", *arguments)
        return calls.instructions, sum(cycles_of_blocks(calls.blocks, elf, board).values())


def _generate(program: Path, model: Path) -> str:
    try:
        done = subprocess.run([str(program), str(model)], capture_output=True, text=True, timeout=120, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise InputError(f"cannot run {program}: {error}", hint=_HINT) from error
    if done.returncode != 0 or not re.search(r"\bvoid entry\(", done.stdout):
        words = (done.stderr or done.stdout).strip().splitlines()[-1:] or ["no function `entry` in its output"]
        raise InputError(f"{program} made no C of {model.name}: {words[0]}", hint=_HINT)
    return done.stdout


def _newlib(compiler: ArmCompiler, board: Board) -> tuple[Path, ...]:
    """libm and libc that gcc has for the board's core."""
    found = []
    for name in ("libm.a", "libc_nano.a"):
        command = (*compiler.compile, *compiler.cpu_flags(board.core.cpu), f"-print-file-name={name}")
        path = Path(subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip())
        if not path.is_absolute():  # a toolchain that was moved, as Debian's built-in path does not move with it
            path = Path(compiler.compile[0]).parents[1] / "lib" / "arm-none-eabi" / "newlib" / _multilib(compiler, board) / name
        if not path.is_file():
            raise BuildError(f"onnx2c: {compiler.name} has no {name}", hint="install libnewlib-arm-none-eabi")
        found.append(path)
    return tuple(found)


def _multilib(compiler: ArmCompiler, board: Board) -> str:
    command = (*compiler.compile, *compiler.cpu_flags(board.core.cpu), "-print-multi-directory")
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()


def _lstm(inputs: int, units: int) -> onnx.ModelProto:
    rng = np.random.default_rng(units)
    weights = {
        "w": rng.uniform(-1, 1, (1, 4 * units, inputs)),
        "r": rng.uniform(-1, 1, (1, 4 * units, units)),
        "b": rng.uniform(-1, 1, (1, 8 * units)),
    }
    state = [1, 1, units]
    node = helper.make_node("LSTM", ["x", "w", "r", "b", "", "h", "c"], ["y", "h1", "c1"], hidden_size=units)
    sources = {"x": [1, 1, inputs], "h": state, "c": state}
    return _model(node, sources, {"y": [1, 1, 1, units], "h1": state, "c1": state}, weights)


def _gemm(inputs: int, outputs: int) -> onnx.ModelProto:
    rng = np.random.default_rng(outputs)
    weights = {"w": rng.uniform(-1, 1, (outputs, inputs)), "b": rng.uniform(-1, 1, outputs)}
    node = helper.make_node("Gemm", ["x", "w", "b"], ["y"], transB=1)
    return _model(node, {"x": [1, inputs]}, {"y": [1, outputs]}, weights)


def _model(
    node: onnx.NodeProto, inputs: dict[str, list[int]], outputs: dict[str, list[int]], weights: dict[str, np.ndarray]
) -> onnx.ModelProto:
    def infos(values: dict[str, list[int]]) -> list[onnx.ValueInfoProto]:
        return [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in values.items()]

    constants = [onnx.numpy_helper.from_array(w.astype(np.float32), name) for name, w in weights.items()]
    graph = helper.make_graph([node], "layer", infos(inputs), infos(outputs), constants)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", _OPSET)], ir_version=8)

# SPDX-License-Identifier: Apache-2.0
"""Layers of few int16 values over many positions, at the shapes of GTCRN: the C that a build emits for them.

    python bench/positions.py [--board NAME]...

Executed instructions are exact and repeatable; cycles are estimates.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import jinja2
import numpy as np
from section import Section

from codesign.base.errors import CodesignError
from codesign.base.resources import resource
from codesign.compiler.layers import Layer, Value
from codesign.compiler.layers.code import CodeContext
from codesign.compiler.layers.recurrent import Scan
from codesign.compiler.lower.gru import gru_of
from codesign.compiler.lower.rows import Rows
from codesign.compiler.lower.wide_linear import fully_connected_of
from codesign.firmware.boards import Board, load_board
from codesign.firmware.cost import cycles_of_blocks
from codesign.firmware.machines.unicorn import supports
from codesign.firmware.toolchain.compilers import COMMON_FLAGS, ArmCompiler, find_arm_compiler
from codesign.firmware.toolchain.kernels import best_kernel, kernels_for
from codesign.firmware.toolchain.runtime import runtime_sources
from codesign.testing.calls import Calls, build_calls
from codesign.testing.qemu_calls import QemuCalls
from codesign.testing.unicorn_calls import UnicornCalls

TEXT = (
    "int8 weights, int16 values, at the shapes of GTCRN; MACs with weights that are 0 among them. CMSIS-NN has no GRU, and "
    "nothing for weights that are mostly zeros; its fully connected layer is in the table before."
)
HEAD = '#include "codesign/nn.h"\n#define LAYER __attribute__((noinline))\n'
SHAPES: tuple[tuple[str, int, int, int, Scan], ...] = (
    ("GRU 8→4 along 33 positions", 8, 4, 33, "forward"),
    ("GRU 8→8 at 33 positions", 8, 8, 33, ""),
    ("GRU 8→16", 8, 16, 1, ""),
)


@dataclass(frozen=True)
class PositionsCost:
    """One layer once; `cycles` is an estimate."""

    core: str
    layer: str
    macs: int
    instructions: int
    cycles: float


def positions(board: Board, compiler: ArmCompiler) -> Iterator[PositionsCost]:
    """All layers on a board.

    Raises:
        CodesignError: a compiler or emulator is missing, a build fails, or results differ from the reference.
    """
    layers = list(_layers())
    with tempfile.TemporaryDirectory(prefix="codesign-bench-") as name:
        folder = Path(name)
        file = folder / "layers.c"
        file.write_text(HEAD + "\n".join(_code(i, *parts, best_kernel(board)) for i, (_, *parts) in enumerate(layers)))
        sources = [source for source in runtime_sources(kernels_for(board)) if source.parent.name == "nn"]
        flags = (*COMMON_FLAGS, f"-I{resource('runtime', 'include')}")
        names = tuple(f"layer_{i}" for i in range(len(layers)))
        elf = build_calls([*sources, file], flags, board, compiler, folder, keep=names)
        calls: Calls = UnicornCalls(elf, board, counting=True) if supports(board) else QemuCalls(elf, board, tracing=True)
        for function, (title, layer, x, y) in zip(names, layers, strict=True):
            calls.clear()
            values = {x.name: np.random.default_rng(1).integers(-9000, 9000, x.size).astype(np.int64)}
            values[y.name] = np.zeros(y.size, np.int64)
            room = np.zeros(x.bytes + y.bytes + layer.scratch_bytes + 24, np.uint8)
            room[: x.bytes] = values[x.name].astype(np.int16).view(np.uint8)
            memory = calls.put(room)
            calls.call(function, memory)
            layer.step(values, tuple(matrix.astype(np.float64) for matrix in layer.weights_int8))
            if (calls.get(memory + _after(x.bytes), np.int16, y.size) != values[y.name]).any():
                raise CodesignError(f"{title}: the kernel differs from the reference on {board.name}")
            cycles = sum(cycles_of_blocks(calls.blocks, elf, board).values())
            yield PositionsCost(board.core.cpu, title, layer.macs, calls.instructions, cycles)


def positions_section(found: list[PositionsCost]) -> Section:
    """The report's."""
    head = ("core", "layer", "MACs", "instructions", "instr/MAC", "est. cycles/MAC")
    rows = [
        (c.core, c.layer, f"{c.macs:,}", f"{c.instructions:,}", f"{c.instructions / c.macs:.2f}", f"{c.cycles / c.macs:.2f}")
        for c in found
    ]
    return Section("Few values at many positions", TEXT, head, rows, left=2)


def _layers() -> Iterator[tuple[str, Layer, Value, Value]]:
    rng = np.random.default_rng(3)
    for title, inputs, units, count, scan in SHAPES:
        x, h = Value("x", count * inputs, "int16", 2.0**-13), Value("y", count * units, "int16", 2.0**-15)
        rows = [Rows.of(rng.normal(0, 0.5, (3 * units, n)), groups=3) for n in (inputs, units)]
        biases = rng.normal(0, 0.5, (2, 3 * units))
        yield title, gru_of("layer", x, h, *rows, *biases, reset_after=True, positions=count, scan=scan), x, h
    for title, outputs, columns, count in (("FC 16→16 at 33 positions", 16, 16, 33), ("FC 192→64 at 3, in bands", 64, 192, 3)):
        x, y = Value("x", count * columns, "int16", 2.0**-13), Value("y", count * outputs, "int16", 2.0**-11)
        weights = rng.normal(0, 0.5, (outputs, columns))
        if columns > outputs:  # triangles that overlap by half, as of a filterbank
            distance = np.abs(np.arange(columns) - (np.arange(outputs)[:, None] + 0.5) * columns / outputs)
            weights = np.maximum(0.0, 1 - distance * outputs / columns)
        yield title, fully_connected_of("layer", x, y, Rows.of(weights), rng.normal(0, 0.5, outputs), count), x, y


def _after(size: int) -> int:
    return -(-size // 8) * 8


def _code(i: int, layer: Layer, x: Value, y: Value, kernel: str) -> str:
    loader = jinja2.PackageLoader("codesign.compiler.layers")
    environment = jinja2.Environment(
        loader=loader, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True, autoescape=False
    )
    y_at = _after(x.bytes)
    context = CodeContext(
        values={x.name: x, y.name: y},
        kernel=kernel,
        functions={layer.name: f"layer_{i}"},
        value_macros={x.name: "0", y.name: f"{y_at}"},
        scratch_macros={layer.name: f"{y_at + _after(y.bytes)}"},
        render=lambda template, **words: environment.get_template(template).render(**words),
    )
    made = layer.code(context)
    arrays = (f"_Alignas(4) static const {a.ctype} {a.name}[{a.count}] = {{\n{a.values}\n}};" for a in made.arrays)
    return "\n".join((*arrays, f"void layer_{i}(uint8_t *memory);", made.code))


def main() -> int:
    """Parse arguments, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--board", action="append", help="repeatable; default nrf5340dk")
    options = parser.parse_args()
    try:
        for board in map(load_board, options.board or ["nrf5340dk"]):
            section = positions_section(list(positions(board, find_arm_compiler("ziglang"))))
            print("\n".join(" | ".join(row) for row in (section.head, *section.rows)))
    except CodesignError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())

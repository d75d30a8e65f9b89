# SPDX-License-Identifier: Apache-2.0
"""Our layers against CMSIS-NN's and plain C, and whole frames, on every core that an emulator here has.

    python bench/run.py [--cmsis-nn CHECKOUT] [--cmsis-dsp CHECKOUT] [--onnx2c PROGRAM] [--markdown FILE] [--json FILE]

Executed instructions are exact and repeatable; cycles are estimates by the tables in python/codesign/firmware/cost/timing.
"""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict
from pathlib import Path

from conv_layers import ConvCost, convolutions, convolutions_section
from four_bit import widths
from front_end import FrontEndCost, check_cmsis_dsp, front_ends, transforms
from measure import Measurement, measure
from network import Frame, frame
from no_fpu import cores_without_fpu, no_fpu, no_fpu_section
from onnx2c import check_onnx2c, onnx2c_layers, onnx2c_section
from positions import positions, positions_section
from published import estimates, published_section
from report import markdown
from subjects import Subject, cmsis_nn, ours, plain
from wide import wide_layers, wide_section

from codesign.base.errors import BuildError, CodesignError, ToolError
from codesign.base.files.output_file import replace_file
from codesign.base.resources import resource
from codesign.compiler.lower import lower
from codesign.compiler.model import load_onnx
from codesign.firmware.boards import Board, load_board
from codesign.firmware.machines import bare_machine
from codesign.firmware.machines.unicorn import supports
from codesign.firmware.toolchain.compilers import ArmCompiler, find_arm_compiler
from codesign.firmware.toolchain.kernels import best_kernel

BOARDS = ("nrf52840dk", "nrf5340dk", "stm32f746g_disco", "mps3_an547")
SCHEMA_VERSION = 1
_TFLM = (
    "TensorFlow Lite Micro's reference kernels: C++ templates over headers of gemmlowp and FlatBuffers, and a C++ library for "
    "the target, none of which a checkout has; with CMSIS-NN built in, it runs the kernels of the CMSIS-NN rows"
)


def main() -> int:
    """Parse arguments, measure, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cmsis-nn", type=Path, metavar="PATH", help="a checkout of ARM-software/CMSIS-NN")
    parser.add_argument("--cmsis-dsp", type=Path, metavar="PATH", help="a checkout of ARM-software/CMSIS-DSP")
    parser.add_argument("--onnx2c", type=Path, metavar="PATH", help="a build of kraiskil/onnx2c: its program")
    parser.add_argument("--model", type=Path, default=resource("models", "pruned", "pruned.onnx"))
    parser.add_argument("--board", action="append", help=f"repeatable; default {', '.join(BOARDS)}")
    parser.add_argument("--markdown", type=Path, help="file to write; default: print")
    parser.add_argument("--json", type=Path, help="file to write")
    options = parser.parse_args()
    skipped: list[str] = []
    try:
        subjects = _subjects(options.cmsis_nn, skipped)
        if options.cmsis_dsp is None:
            skipped.append("CMSIS-DSP's transforms: give --cmsis-dsp PATH, a checkout of ARM-software/CMSIS-DSP")
        else:
            check_cmsis_dsp(options.cmsis_dsp)
        if options.onnx2c is None:
            skipped.append("onnx2c: give --onnx2c PATH, the program of a build of github.com/kraiskil/onnx2c")
        else:
            check_onnx2c(options.onnx2c)
        skipped.append(_TFLM)
        boards = _boards(options.board or list(BOARDS), skipped)
        compilers = _compilers(skipped)
        layers: list[Measurement] = []
        frames: list[Frame] = []
        convolved: list[ConvCost] = []
        fronts: list[FrontEndCost] = []
        network = lower(load_onnx(options.model))
        for board in boards:
            for compiler in compilers:
                for subject in (*subjects, *_fewest_instructions(board)):
                    _say(f"{board.name}: {subject.name}, {compiler.name}")
                    layers += measure(subject, board, compiler)
                _say(f"{board.name}: convolutions, {compiler.name}")
                convolved += convolutions(board, compiler, options.cmsis_nn)
                _say(f"{board.name}: whole frames, {compiler.name}")
                frames.append(frame(network, board, compiler))
            fronts += front_ends(board, compilers[0])
        for board in cores_without_fpu() if not options.board else ():
            for subject in subjects:
                _say(f"{board.core.cpu}: {subject.name}, {compilers[-1].name}")
                try:
                    layers += list(measure(subject, board, compilers[-1]))
                except BuildError as error:  # division on an Armv6-M is in gcc's library
                    skipped.append(f"{subject.name} on {board.core.cpu} by {compilers[-1].name}: {error}")
        wide, few = [], []
        for board in boards:
            _say(f"{board.name}: int16 values")
            wide += wide_layers(board, compilers[0], options.cmsis_nn)
            few += positions(board, compilers[0])
        four_bit = []
        for board in filter(supports, boards if options.cmsis_nn else []):
            four_bit += widths(board, compilers[0], options.cmsis_nn)
        fft = transforms(load_board("nrf5340dk"), compilers[0], options.cmsis_dsp)
        generated = []
        for board in boards if options.onnx2c else []:
            _say(f"{board.name}: onnx2c")
            generated += onnx2c_layers(options.onnx2c, board, skipped)
        _say("MLPerf Tiny's autoencoder")
        compared = list(estimates([s for s in subjects if s.name != "plain C"], boards, compilers[-1]))
        _say("cores without an FPU")
        without = list(no_fpu(skipped)) if not options.board else []
        sections = (
            wide_section(wide),
            positions_section(few),
            convolutions_section(convolved),
            no_fpu_section(without),
            onnx2c_section(generated, layers),
            published_section(compared),
        )
        text = markdown(layers, frames, fronts, fft, four_bit, skipped, sections)
        if options.json:
            document = {"schema_version": SCHEMA_VERSION, "layers": [asdict(m) | {"per_mac": m.per_mac} for m in layers]}
            document |= {"frames": [asdict(f) for f in frames], "front_end": [asdict(f) for f in fronts]}
            document |= {"transforms": [asdict(t) for t in fft], "four_bit": [asdict(w) for w in four_bit]}
            document |= {"wide": [asdict(w) for w in wide], "positions": [asdict(c) for c in few]}
            document |= {"no_fpu": [asdict(c) for c in without], "onnx2c": [asdict(g) for g in generated]}
            document |= {"convolutions": [asdict(c) for c in convolved]}
            document |= {"autoencoder": [asdict(e) for e in compared], "skipped": skipped}
            with replace_file(options.json) as building:
                building.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")
        if options.markdown:
            with replace_file(options.markdown) as building:
                building.write_text(text, encoding="utf-8")
        else:
            print(text, end="")
    except CodesignError as error:
        _say(f"error: {error}")
        return error.exit_code
    for reason in skipped:
        _say(f"skipped: {reason}")
    return 0


def _subjects(checkout: Path | None, skipped: list[str]) -> list[Subject]:
    if checkout is None:
        skipped.append("CMSIS-NN: give --cmsis-nn PATH, a checkout of ARM-software/CMSIS-NN")
        return [ours(), plain()]
    return [ours(), cmsis_nn(checkout), plain()]


def _fewest_instructions(board: Board) -> list[Subject]:
    """Where the fastest kernel is not the one of the fewest instructions, that one too."""
    return [ours("dsp")] if best_kernel(board) == "dual" else []


def _boards(names: list[str], skipped: list[str]) -> list[Board]:
    boards = []
    for board in map(load_board, names):
        try:
            bare_machine(board).check_tools(profile=True)
        except ToolError as error:
            skipped.append(f"{board.name}: {error}")
            continue
        boards.append(board)
    return boards


def _compilers(skipped: list[str]) -> list[ArmCompiler]:
    found = []
    for name in ("ziglang", "arm-none-eabi-gcc"):
        try:
            found.append(find_arm_compiler(name))
        except ToolError as error:
            skipped.append(f"{name}: {error}")
    if not found:
        raise ToolError("no Arm compiler", hint="pip install ziglang")
    return found


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())

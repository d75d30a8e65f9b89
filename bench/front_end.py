# SPDX-License-Identifier: Apache-2.0
"""The float front end without a network, and its Fourier transform against CMSIS-DSP's."""

from __future__ import annotations

import struct
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from network import frame
from subjects import check_checkout
from tiny import tiny_network

from codesign.base.resources import resource
from codesign.compiler.frontend import Chain
from codesign.compiler.frontend.fft_tables import fft_split, fft_twiddles
from codesign.firmware.boards import Board
from codesign.firmware.cost import cycles_of_blocks
from codesign.firmware.machines.unicorn import supports
from codesign.firmware.toolchain.compilers import COMMON_FLAGS, ArmCompiler
from codesign.testing.calls import build_calls
from codesign.testing.open_calls import open_calls

SHAPES = (Chain(), Chain(n_fft=256, window=256, hop=128, n_mels=64), Chain(n_fft=128, window=128, hop=64, n_mels=40))
POINTS = (128, 256, 512)
_STAGES = ("analysis", "features", "mask", "synthesis")


@dataclass(frozen=True)
class FrontEndCost:
    """Instructions of one frame: analysis, features, mask and synthesis."""

    board: str
    core: str
    n_fft: int
    hop: int
    n_mels: int
    instructions: int
    cycles: float
    stages: dict[str, int]


@dataclass(frozen=True)
class TransformCost:
    """One real transform of float32."""

    subject: str
    core: str
    points: int
    inverse: bool
    instructions: int
    cycles: float


def front_ends(board: Board, compiler: ArmCompiler) -> list[FrontEndCost]:
    """All shapes on a board; none where stages cannot be told apart."""
    if not supports(board):
        return []
    found = []
    for shape in SHAPES:
        measured = frame(tiny_network(shape), board, compiler)
        stages = {stage.name: stage for stage in measured.stages if stage.name in _STAGES}
        found.append(
            FrontEndCost(
                *(board.name, board.core.cpu, shape.n_fft, shape.hop, shape.n_mels),
                sum(stage.instructions for stage in stages.values()),
                sum(stage.cycles for stage in stages.values()),
                {name: stage.instructions for name, stage in stages.items()},
            )
        )
    return found


def transforms(board: Board, compiler: ArmCompiler, checkout: Path | None) -> list[TransformCost]:
    """Ours, and with a checkout CMSIS-DSP's arm_rfft_fast_f32, on one board."""
    found = []
    with tempfile.TemporaryDirectory(prefix="codesign-bench-") as name:
        folder = Path(name)
        sources = [resource("runtime", "dsp", f"cs_{part}.c") for part in ("rfft", "irfft", "complex_fft")]
        flags = (*COMMON_FLAGS, f"-I{resource('runtime', 'include')}")
        elf = build_calls(sources, flags, board, compiler, folder)
        calls = open_calls(elf, board, tracing=True)
        for points in POINTS:
            for inverse in (False, True):
                calls.clear()
                tables = (calls.put(fft_twiddles(points)), calls.put(fft_split(points)))
                plan = calls.put(struct.pack("<III", points, *tables))
                data = np.random.default_rng(points).standard_normal(points + 2).astype(np.float32)
                buffers = (calls.put(data), calls.put(np.zeros(points + 2, np.float32)))
                calls.call("cs_irfft" if inverse else "cs_rfft", plan, *buffers)
                cycles = sum(cycles_of_blocks(calls.blocks, elf, board).values())
                found.append(TransformCost("codesign", board.core.cpu, points, inverse, calls.instructions, cycles))
        if checkout is not None:
            found += _cmsis_dsp(board, compiler, checkout, folder)
    return found


def check_cmsis_dsp(checkout: Path) -> None:
    """Raise InputError for a folder that is no checkout of CMSIS-DSP, or lacks what is built of it."""
    check_checkout(checkout, "CMSIS-DSP", [checkout / "Include" / "arm_math.h", *_cmsis_dsp_sources(checkout)])


def _cmsis_dsp_sources(checkout: Path) -> list[Path]:
    source = checkout / "Source"
    names = ("arm_rfft_fast_f32", "arm_rfft_fast_init_f32", "arm_cfft_f32", "arm_cfft_init_f32", "arm_cfft_radix8_f32")
    sources = [source / "TransformFunctions" / f"{name}.c" for name in (*names, "arm_bitreversal2")]
    return sources + [source / "CommonTables" / f"{name}.c" for name in ("arm_common_tables", "arm_const_structs")]


def _cmsis_dsp(board: Board, compiler: ArmCompiler, checkout: Path, folder: Path) -> list[TransformCost]:
    sources = _cmsis_dsp_sources(checkout)
    peer = Path(__file__).with_name("peers")
    includes = [f"-I{path}" for path in (checkout / "Include", checkout / "PrivateInclude", peer)]
    # __GNUC_PYTHON__ is CMSIS-DSP's own name for a build without CMSIS-Core; the float32 transforms are the same.
    flags = ("-std=gnu11", "-O3", "-fhosted", "-w", "-D__GNUC_PYTHON__", f"-idirafter{peer / 'libc'}", *includes)
    target = folder / "cmsis_dsp"
    target.mkdir()
    elf = build_calls([*sources, peer / "cmsis_dsp.c"], flags, board, compiler, target, keep=("peer_rfft", "peer_rfft_init"))
    calls = open_calls(elf, board, tracing=True)
    found = []
    for points in POINTS:
        for inverse in (False, True):
            calls.clear()
            instance = calls.put(bytes(64))
            calls.call("peer_rfft_init", instance, points)
            data = np.random.default_rng(points).standard_normal(points + 2).astype(np.float32)
            buffers = (calls.put(data), calls.put(np.zeros(points + 2, np.float32)))
            calls.call("peer_rfft", instance, *buffers, int(inverse))
            cycles = sum(cycles_of_blocks(calls.blocks, elf, board).values())
            found.append(TransformCost("CMSIS-DSP", board.core.cpu, points, inverse, calls.instructions, cycles))
    return found

# SPDX-License-Identifier: Apache-2.0
"""Published measurements on silicon, beside the cost model's estimate of the same work."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from section import Section
from subjects import Subject

from codesign.firmware.boards import Board, load_board
from codesign.firmware.cost import cycles_of_blocks
from codesign.firmware.toolchain.compilers import ArmCompiler
from codesign.testing.calls import build_calls
from codesign.testing.open_calls import open_calls

AUTOENCODER = ((640, 128), *[(128, 128)] * 3, (128, 8), (8, 128), *[(128, 128)] * 3, (128, 640))
"""Layers (inputs, outputs) of MLPerf Tiny's anomaly detection: ten fully connected ones, int8."""

MACS = sum(inputs * outputs for inputs, outputs in AUTOENCODER)
_TEXT = (
    f"MLPerf Tiny v1.0, closed division, anomaly detection: a fully connected autoencoder, {MACS:,} MACs in ten int8 "
    "layers. Measured is the median throughput in `closed/…/ad/performance/results.txt` of a submission in "
    "github.com/mlcommons/tiny_results_v1.0 (commit c7761cf), at the clock of its system description. The model's "
    "figures are the ten layers, each executed alone in the emulator, without flash waits; in brackets with one wait for "
    "every line of weights, where the measured chip has a card here. A measurement has more in it than a model of the "
    "layers: calls of the framework, tensors copied and converted, waits for instructions, and the library of 2022 or, "
    "where it says so, the submitter's own kernels, whose code is not public. Nothing of ours was measured on these "
    "boards."
)


@dataclass(frozen=True)
class Submission:
    """A measured inference: `throughput` in inferences a second at `clock_hz`.

    `board` is the card to estimate with, `same` whether its chip is the measured one; `library` what is estimated.
    """

    system: str
    framework: str
    board: str
    same: bool
    clock_hz: int
    throughput: float
    library: str

    @property
    def cycles(self) -> float:
        """Measured, of one inference."""
        return self.clock_hz / self.throughput


SUBMISSIONS = (
    Submission("OctoML, NUCLEO-L4R5ZI", "microTVM with CMSIS-NN", "nrf52840dk", False, 120_000_000, 116.212, "CMSIS-NN"),
    Submission("OctoML, nRF5340 DK", "microTVM with CMSIS-NN", "nrf5340dk", True, 128_000_000, 159.579, "CMSIS-NN"),
    Submission("STMicroelectronics, NUCLEO-L4R5ZI", "X-CUBE-AI 7.3", "nrf52840dk", False, 120_000_000, 131.950, "CMSIS-NN"),
    Submission("Plumerai, NUCLEO-L4R5ZI", "its own", "nrf52840dk", False, 120_000_000, 179.450, "CMSIS-NN"),
    Submission("Plumerai, DISCO-F746NG", "its own", "stm32f746g_disco", True, 216_000_000, 435.741, "CMSIS-NN"),
)


@dataclass(frozen=True)
class Estimate:
    """The autoencoder by one library on one core: cycles of the model, and `waits` for weights by the board's card."""

    library: str
    board: str
    core: str
    compiler: str
    instructions: int
    cycles: float
    waits: float


def estimates(subjects: Sequence[Subject], boards: Sequence[Board], compiler: ArmCompiler) -> Iterator[Estimate]:
    """Every library on those of `boards` that SUBMISSIONS name."""
    for board in boards:
        if board.name in {submission.board for submission in SUBMISSIONS}:
            for subject in subjects:
                yield _estimate(subject, board, compiler)


def _estimate(subject: Subject, board: Board, compiler: ArmCompiler) -> Estimate:
    instructions, cycles = 0, 0.0
    with tempfile.TemporaryDirectory(prefix="codesign-bench-") as folder:
        elf = build_calls(subject.sources(board), subject.flags, board, compiler, Path(folder), keep=subject.keep(board))
        calls = open_calls(elf, board, tracing=True)
        found: dict[tuple[int, int], tuple[int, float]] = {}
        for shape in AUTOENCODER:
            if shape not in found:
                calls.clear()
                function, arguments, _ = subject.fully_connected(calls, board, *shape)
                calls.call(function, *arguments)
                found[shape] = calls.instructions, sum(cycles_of_blocks(calls.blocks, elf, board).values())
            instructions += found[shape][0]
            cycles += found[shape][1]
    flash = board.timing.flash
    waits = MACS / flash.line_bytes * flash.wait_states if flash else 0.0
    return Estimate(subject.name, board.name, board.core.cpu, compiler.name, instructions, cycles, waits)


def published_section(found: Sequence[Estimate]) -> Section:
    """The report's: measured against the estimate of CMSIS-NN, and what our kernels are estimated at on the same core."""
    by = {(e.library, e.board): e for e in found}
    head = ("measured", "framework", "core", "ms", "cycles/MAC", "model: CMSIS-NN", "measured / model", "model: codesign")
    rows = []
    for s in SUBMISSIONS if found else ():
        peer, mine = by.get((s.library, s.board)), by.get(("codesign", s.board))
        core = load_board(s.board).core.cpu
        measured = (f"{1000 / s.throughput:.2f}", f"{s.cycles / MACS:.2f}")
        ratio = "" if peer is None else f"{s.cycles / (peer.cycles + (peer.waits if s.same else 0)):.2f}"
        rows.append((s.system, s.framework, core, *measured, _per_mac(peer, s.same), ratio, _per_mac(mine, s.same)))
    return Section("MLPerf Tiny's autoencoder", _TEXT, head, rows, left=3)


def _per_mac(estimate: Estimate | None, same: bool) -> str:
    if estimate is None:
        return "not measured"
    waits = f" ({(estimate.cycles + estimate.waits) / MACS:.2f})" if same and estimate.waits else ""
    return f"{estimate.cycles / MACS:.2f}{waits}"

# SPDX-License-Identifier: Apache-2.0
"""Estimated cycles of a run: every executed block through the core's pipeline, plus what flash makes it wait."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from codesign.firmware.boards import Board
from codesign.firmware.cost.classify import operations
from codesign.firmware.cost.pipeline import block_cycles, taken_cycles
from codesign.firmware.cost.timing import load_timing
from codesign.firmware.elf import ElfImage, read_elf
from codesign.firmware.image import Image
from codesign.firmware.machines.profile import BlockCount
from codesign.firmware.machines.replay import Replay
from codesign.firmware.machines.run import Counts, Run
from codesign.firmware.machines.stages import REST


@dataclass(frozen=True)
class StageCost:
    """A stage of the pipeline: executed instructions (exact) of its worst frame, and estimated cycles of it.

    stalls are the cycles that it waits for weights from flash, part of cycles; share is of all stages' worst frames.
    """

    name: str
    macs: int
    instructions: int
    cycles: float
    stalls: float
    share: float


@dataclass(frozen=True)
class CostReport:
    """Estimated cycles of a frame, with their relative error and the source of the timing.

    cycles_per_instruction is the average that was used, None where every block went through the model of the pipeline.
    folded: stacks "frame;stage;function" with the cycles of the whole run, for flame graphs; empty when the blocks that ran
    are not known, as without a profile.
    """

    stages: tuple[StageCost, ...]
    worst_cycles: float
    mean_cycles: float
    error: float
    source: str
    folded: tuple[tuple[str, int], ...] = ()
    cycles_per_instruction: float | None = None

    def worst_ms(self, board: Board) -> float:
        """Worst frame at the board's clock, ms."""
        return 1000 * self.worst_cycles / board.core.clock_hz

    def mean_ms(self, board: Board) -> float:
        """Mean frame at the board's clock, ms."""
        return 1000 * self.mean_cycles / board.core.clock_hz


_SAME_FRAME = 0.02
"""By how much instructions of a frame may differ from those of its replay, which no interrupt interrupts."""

_SAME_KIND = 0.1
"""The same for the means of all frames and of some, where the worst one is not known."""


def estimate(run: Run, image: Image, replayed: Replay | None = None) -> CostReport:
    """Cycles of the counted frames of a run on the image's board.

    With the executed blocks (a run that was profiled) by the timing table of the core. Where only instructions were counted,
    they take as many cycles each as those of `replayed`, the blocks of the worst frame or of several, do by that table;
    without, or where it was not that frame, the board's average `timing.cycles_per_instruction`.

    Raises:
        ValueError: no frame was counted.
        ToolError: no timing table for the core, or Capstone is missing.
    """
    counts, board = run.counts, image.board
    if counts is None:
        raise ValueError("no frame of this run was counted")
    if not counts.blocks or counts.per_frame is None:
        if replayed is not None and _is_of(counts, replayed):
            return _like(replayed, counts.worst, counts.mean, image)
        return average(counts.worst, counts.mean, sum(_flash_bytes(image).values()), board)
    table = load_timing(board.core.cpu)
    cycles = cycles_of_blocks(counts.blocks, image.path, board)
    by_stage: dict[str, float] = defaultdict(float)
    for block, value in cycles.items():
        by_stage[block.stage] += value
    macs, flash_bytes = {layer.name: layer.macs for layer in image.network.stages}, _flash_bytes(image)
    frames = np.zeros(max(executed.size for executed in counts.stages.values()))
    worst = {}
    for stage, executed in counts.stages.items():
        total = int(executed.sum())
        stalls = _stalls(flash_bytes.get(stage, 0), board)
        series = executed * (by_stage[stage] / total if total else 0.0) + np.where(executed > 0, stalls, 0.0)
        frames += series
        worst[stage] = (int(executed.max()), float(series.max()), stalls if total else 0.0)
    if len(frames) != len(counts.per_frame):  # stages are of some frames, instructions of all
        frames = counts.per_frame * (frames.sum() / sum(executed.sum() for executed in counts.stages.values()))
    everything = sum(value for _, value, _ in worst.values())
    rows = (StageCost(n or REST, macs.get(n, 0), i, c, s, c / everything) for n, (i, c, s) in worst.items())
    return CostReport(
        tuple(rows), float(frames.max()), float(frames.mean()), table.error, table.source, _folded(cycles, read_elf(image.path))
    )


def _is_of(counts: Counts, replayed: Replay) -> bool:
    told, slack = (counts.worst, _SAME_FRAME) if replayed.frames == 1 else (counts.mean, _SAME_KIND)
    return abs(replayed.instructions / replayed.frames - told) <= slack * told


def _like(replayed: Replay, worst: int, mean: float, image: Image) -> CostReport:
    """Instructions of the worst frame and of the mean that take as long, one by one, as those of the replayed frames."""
    table = load_timing(image.board.core.cpu)
    rate = sum(cycles_of_blocks(replayed.blocks, image.path, image.board).values()) / replayed.instructions
    stalls = sum(_stalls(size, image.board) for size in _flash_bytes(image).values())
    frames = "the worst frame" if replayed.frames == 1 else f"the first {replayed.frames} frames"
    source = f"{table.source}; by the blocks of {frames}, what else runs as the rest of it"
    return CostReport((), worst * rate + stalls, mean * rate + stalls, table.error, source)


def average(worst: int, mean: float, flash_bytes: int, board: Board) -> CostReport:
    """The estimate of a run that only counted instructions per frame, with `flash_bytes` bytes of weights from flash."""
    timing, stalls = board.timing, _stalls(flash_bytes, board)
    rate = timing.cycles_per_instruction
    return CostReport((), worst * rate + stalls, mean * rate + stalls, timing.error, timing.source, cycles_per_instruction=rate)


def cycles_of_blocks(blocks: tuple[BlockCount, ...], elf: Path, board: Board) -> Mapping[BlockCount, float]:
    """Cycles of all executions of each block of an ELF, taken branches included, memory without wait states."""
    table = load_timing(board.core.cpu)
    image = read_elf(elf)
    segments = image.load_images()
    once: dict[tuple[int, int], tuple[float, float]] = {}
    found = {}
    for block in blocks:
        key = (block.address, block.size)
        if key not in once:
            code = tuple(operations(_code(segments, *key), block.address))
            once[key] = block_cycles(code, table), taken_cycles(code, table)
        each, jump = once[key]
        found[block] = block.executions * each + block.taken * jump
    return found


def _code(segments: list[tuple[int, bytes]], address: int, size: int) -> bytes:
    for base, data in segments:
        if base <= address < base + len(data):
            return data[address - base :][:size]
    return b""


def _stalls(weights: int, board: Board) -> float:
    """Cycles that one pass over `weights` bytes in flash waits: each line once, because no cache holds a whole network."""
    flash = board.timing.flash
    return 0.0 if flash is None else math.ceil(weights / flash.line_bytes) * flash.wait_states


def _flash_bytes(image: Image) -> Mapping[str, int]:
    """Bytes of weights that each layer reads from flash in a frame: one a multiply-accumulate, and where they are read again
    and again, at many positions, what its constants take if the cache holds them that long. Copies in RAM are read there: a
    layer reads from flash the share that its constants there have of all of its constants.
    """
    macs = {layer.name: layer.macs for layer in image.network.schedule}
    flash, board = image.board.timing.flash, image.board
    if flash is None:
        return macs
    prefixes = {prefix: layer for layer, prefix in image.symbols.groups if layer in macs}
    constants: dict[str, int] = defaultdict(int)
    copied: dict[str, int] = defaultdict(int)
    for symbol in read_elf(image.path).symbols:
        layer = prefixes.get(symbol.name.partition("__")[0])
        if layer is not None and symbol.type == "STT_OBJECT":
            in_ram = board.memories.get(board.memory_at(symbol.value))
            (copied if in_ram is not None and in_ram.kind == "ram" else constants)[layer] += symbol.size
    reads = {name: round(count * _share(constants.get(name, 0), copied.get(name, 0))) for name, count in macs.items()}
    kept = {layer: size for layer, size in constants.items() if size <= flash.cache_bytes}
    return {layer: min(count, kept.get(layer, count)) for layer, count in reads.items()}


def _share(flash: int, ram: int) -> float:
    return flash / (flash + ram) if ram else 1.0


def _folded(cycles: Mapping[BlockCount, float], elf: ElfImage) -> tuple[tuple[str, int], ...]:
    stacks: dict[str, float] = defaultdict(float)
    for block, value in cycles.items():
        function = elf.function_at(block.address) or f"0x{block.address:x}"
        stacks[";".join(("frame", block.stage or REST, function))] += value
    return tuple(sorted((stack, round(value)) for stack, value in stacks.items()))

# SPDX-License-Identifier: Apache-2.0
"""The Zephyr image that is flashed, in Renode: PCM into its I2S and out of it, in virtual time."""

from __future__ import annotations

import itertools
import math
import tempfile
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from codesign.base.errors import ValidationError
from codesign.firmware.image import Image
from codesign.firmware.machines.audio_format import format_of
from codesign.firmware.machines.console_report import ConsoleReport, read_report
from codesign.firmware.machines.machine import Machine, RunOptions
from codesign.firmware.machines.renode_process import check_version, find_renode, run_renode
from codesign.firmware.machines.renode_script import (
    BLOCKS,
    CONSOLE,
    EXECUTED,
    FRAMES,
    INPUT,
    LOG,
    OUTPUT,
    SECOND,
    shell,
    write_script,
)
from codesign.firmware.machines.run import Counts, Run
from codesign.firmware.machines.zephyr_files import counts_of_report
from codesign.firmware.toolchain.zephyr_workspace import find_build_tools, find_workspace

_BOOT_S = 0.1
_SLOWEST = 1.02
"""Boards without an audio clock are up to so much slower than the model's rate."""

_SLOWER_THAN_REAL_TIME = 4.0
"""What a network that is too big for its core may take with files, which wait for it. The core is halted at the end."""

_PRIMED_AT_MOST = 4  # app/Kconfig

_SILENT_S = 1
"""Virtual time after which an image without a word on its console is given up."""

_QUESTIONS = ("stop", "stats", "stacks")
_ANSWER_S = 0.2
"""Virtual time for the firmware to answer a line on its shell."""

_HOST_SECONDS_TO_START, _HOST_SECONDS_PER_SECOND, _HOST_SECONDS_PER_BLOCK = 240.0, 60.0, 0.06
"""Host time that the start, a second of virtual time and a block of it may take at most before a run is given up: ten times
and more what they take, because a machine that runs tests in parallel gives each a small part of a core."""


class RenodeMachine(Machine):
    """The image that is flashed, on the platform of the board's card: executed instructions of every frame, in virtual time.

    PCM goes through the I2S, or through semihosting on a board without; what comes out starts where the primed blocks end.
    Commands go to Renode's monitor: faults, say. The folder, if given, keeps everything of the run, and `renode run.resc` in it
    runs it again. At the end the audio is stopped and the firmware asked for its counters.
    """

    name = "renode"
    title = "Zephyr image in Renode"
    runtime = "zephyr"
    monitor = True
    fallback = "unicorn"

    def check_tools(self, *, profile: bool = False) -> None:
        """Look for Renode and Zephyr.

        Raises:
            ToolError: something is missing.
        """
        find_renode()
        find_workspace()
        find_build_tools()

    def _run(self, image: Image, pcm: npt.NDArray[np.int16], options: RunOptions) -> Run:
        board, config = image.board, image.network.frontend
        ends = config.ends
        hops = pcm.size // ends.hop
        streaming = board.renode is None or bool(board.renode.i2s)
        pace = _SLOWEST if streaming else _SLOWER_THAN_REAL_TIME
        playing = _BOOT_S + pace * (hops + _PRIMED_AT_MOST + 2) * config.hop / config.sample_rate
        words = _QUESTIONS if streaming else ()
        questions = [shell(board, playing + n * _ANSWER_S, f"codesign {word}") for n, word in enumerate(words)]
        seconds = playing + len(questions) * _ANSWER_S
        folder, form = options.folder, format_of(image)
        keeping = tempfile.TemporaryDirectory(prefix="codesign-") if folder is None else nullcontext(str(folder))
        with keeping as name:
            where = Path(name)
            where.mkdir(parents=True, exist_ok=True)
            for old in (OUTPUT, CONSOLE, FRAMES, BLOCKS, EXECUTED, LOG):
                (where / old).unlink(missing_ok=True)
            (where / INPUT).write_bytes(form.slots_of(pcm, ends.channels))
            write_script(where, image.path, board, seconds, [*options.commands, *questions])
            blocks = seconds * config.sample_rate / config.block_samples
            limit = _HOST_SECONDS_TO_START + _HOST_SECONDS_PER_SECOND * seconds + _HOST_SECONDS_PER_BLOCK * blocks

            def watch(output: str) -> None:
                second = output.count(SECOND)
                options.progress(second, int(seconds))
                if second > _SILENT_S and not _text(where / CONSOLE):
                    raise ValidationError(
                        "the firmware says nothing in Renode", hint="a wait for a register? see renode.log with -o"
                    )

            done = run_renode(where, timeout_s=limit, watch=watch)
            report = read_report(_text(where / CONSOLE), ends=not streaming)
            played = np.repeat(form.pcm_of(_bytes(where / OUTPUT)), ends.channels)
            numbers, made = _numbers(where / FRAMES), _made(where / BLOCKS)
            whole = streaming and report.starts == 1
            executing = executing_share(where, board.core.clock_hz, playing) if whole else None
            unmapped = _unmapped(_text(where / LOG))
        block = report.ready.number("block")
        first = report.ready.number("primed") * block if streaming else 0
        return Run(
            machine=f"zephyr in Renode {check_version(done.output)}",
            pcm=played[first * ends.channels :][: pcm.size],
            frames=report.frames,
            skipped_frames=report.stats.number("skipped"),
            counts=replace(_counts(numbers, report, made), executing=executing),
            console=report,
            primed_samples=first if streaming else None,
            block_samples=block,
            unmapped=unmapped,
            seconds=done.seconds,
        )


def _counts(numbers: npt.NDArray[np.int64], report: ConsoleReport, made: npt.NDArray[np.int64]) -> Counts:
    """Of every frame where hooks saw one, else what the application says, whose cycles are instructions here."""
    own = counts_of_report(report, 1.0)
    per_frame, between = numbers[:, 1] - numbers[:, 0], np.diff(numbers[:, 0])
    between = between[between > 0]  # a reset begins the count anew
    mean = float(per_frame.mean()) if per_frame.size else own.mean
    blocks, cycles = _outside_blocks(numbers, made)
    return Counts(
        frames=report.frames,
        worst=int(per_frame.max(initial=0)),
        mean=mean,
        worst_frame=int(per_frame.argmax()) if per_frame.size else report.stats.number("worst_frame"),
        per_frame=per_frame,
        outside=float(between.mean()) - mean if between.size else own.outside,
        by_firmware=numbers[:, 2],
        blocks_outside=blocks,
        made_outside=cycles,
    )


def _bytes(file: Path) -> bytes:
    return file.read_bytes() if file.is_file() else b""


def _text(file: Path) -> str:
    return file.read_text(encoding="utf-8", errors="replace") if file.is_file() else ""


def _numbers(file: Path) -> npt.NDArray[np.int64]:
    """int64 (frames, 3): instructions executed when a frame begins and when it ends, cycles that its counter counted. A frame
    that a fault cut off has no end, and is not there.
    """
    numbers = [[int(word) for word in line.split()] for line in _text(file).splitlines()]
    frames = [(*begins, *ends) for begins, ends in itertools.pairwise(numbers) if len(begins) == 1 and len(ends) == 2]
    return np.array(frames, np.int64).reshape(-1, 3)


def _made(file: Path) -> npt.NDArray[np.int64]:
    """int64 (blocks, 2): instructions executed when the audio thread ends a block, cycles that it counted for it."""
    return np.array([line.split() for line in _text(file).splitlines() if len(line.split()) == 2], np.int64).reshape(-1, 2)


def _outside_blocks(frames: npt.NDArray[np.int64], made: npt.NDArray[np.int64]) -> tuple[float, float] | tuple[None, None]:
    """Of the blocks between the first frame and the last: how many a hop end in no frame, and their cycles, which are
    instructions here. The audio thread comes before the enhancer, so that no frame begins or ends within a block.
    """
    if len(frames) < 2:
        return None, None
    ends = made[:, 0]
    frame = np.searchsorted(frames[:, 0], ends, side="right") - 1
    between = (frame >= 0) & (frame < len(frames) - 1)
    outside = between & (ends > frames[np.maximum(frame, 0), 1])
    hops = len(frames) - 1
    return float(outside.sum()) / hops, float(made[outside, 1].sum()) / hops


def executing_share(folder: Path, clock_hz: int, until: float = math.inf) -> float | None:
    """Share of virtual time in which the core executed, from the first full second to the last one before `until`; None of
    shorter runs, and of those with a reset, where Renode counts from 0 again. It executes one instruction a cycle and none
    while it waits for an interrupt (WFI).
    """
    rows = [line.split() for line in _text(folder / EXECUTED).splitlines()]
    seen = [(int(second), int(count)) for second, count in rows if int(second) <= until]
    if len(seen) < 2 or any(after < before for (_, before), (_, after) in itertools.pairwise(seen)):
        return None
    (first, before), (last, after) = seen[0], seen[-1]
    return (after - before) / ((last - first) * clock_hz)


def _unmapped(log: str) -> tuple[str, ...]:
    """Accesses of the image to what the platform does not have."""
    return tuple(line.split("] ", 2)[-1] for line in log.splitlines() if "non existing peripheral" in line)


MACHINE = RenodeMachine()

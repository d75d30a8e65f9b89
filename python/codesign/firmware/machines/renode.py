# SPDX-License-Identifier: Apache-2.0
"""The Zephyr image that is flashed, in Renode: PCM into its I2S and out of it, in virtual time."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from codesign.base.errors import ValidationError
from codesign.firmware.boards import Board
from codesign.firmware.machines.firmware import FirmwareRun, firmware_run
from codesign.firmware.machines.renode_process import check_version, run_renode
from codesign.firmware.machines.renode_script import CONSOLE, FRAMES, INPUT, LOG, OUTPUT, SECOND, Command, shell, write_script
from codesign.firmware.toolchain import Image

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

_HOST_SECONDS_PER_SECOND = 20.0
"""Host time that a second of virtual time may take at most before a run is given up."""


def run_in_renode(
    image: Image,
    board: Board,
    pcm: npt.NDArray[np.int16],
    *,
    commands: Sequence[Command] = (),
    folder: Path | None = None,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> FirmwareRun:
    """Feed `pcm` int16 (hops · hop,) through the I2S of a Zephyr image, or through semihosting on a board without.

    What comes out starts where the primed blocks end.

    `commands` go to Renode's monitor at their times: faults, say. `folder`, if given, keeps everything of the run, and
    `renode run.resc` in it runs it again. At the end the audio is stopped and the firmware asked for its counters.

    Raises:
        InputError: the board has no Renode platform.
        ToolError: Renode is missing or too old.
        ValidationError: the script failed, took too long, or the firmware did not answer.
    """
    config = image.network.frontend
    hops = pcm.size // config.hop
    streaming = board.renode is None or bool(board.renode.i2s)
    pace = _SLOWEST if streaming else _SLOWER_THAN_REAL_TIME
    playing = _BOOT_S + pace * (hops + _PRIMED_AT_MOST + 2) * config.hop / config.sample_rate
    words = _QUESTIONS if streaming else ()
    questions = [shell(board, playing + n * _ANSWER_S, f"codesign {word}") for n, word in enumerate(words)]
    seconds = playing + len(questions) * _ANSWER_S
    keeping = tempfile.TemporaryDirectory(prefix="codesign-") if folder is None else nullcontext(str(folder))
    with keeping as name:
        where = Path(name)
        where.mkdir(parents=True, exist_ok=True)
        for old in (OUTPUT, CONSOLE, FRAMES, LOG):
            (where / old).unlink(missing_ok=True)
        (where / INPUT).write_bytes(pcm.astype("<i2").tobytes())
        write_script(where, image.path, board, seconds, [*commands, *questions])
        limit = 60.0 + _HOST_SECONDS_PER_SECOND * seconds

        def watch(output: str) -> None:
            second = output.count(SECOND)
            progress(second, int(seconds))
            if second > _SILENT_S and not _text(where / CONSOLE):
                raise ValidationError(
                    "the firmware says nothing in Renode", hint="a wait for a register? see renode.log with -o"
                )

        done = run_renode(where, timeout_s=limit, watch=watch)
        console = _text(where / CONSOLE)
        played = _pcm(where / OUTPUT)
        counts = _counts(where / FRAMES)
        warnings = _unmapped(_text(where / LOG))
    run = firmware_run(
        f"zephyr in Renode {check_version(done.output)}", played, console, ends=not streaming, seconds=done.seconds
    )
    first = run.ready.number("primed") * config.hop if streaming else 0
    return replace(
        run,
        pcm=run.pcm[first : first + pcm.size],
        instructions_per_cycle=1.0,
        frame_instructions=counts[:, 1] - counts[:, 0],
        hop_instructions=np.diff(counts[:, 0]),
        counted_cycles=counts[:, 2],
        warnings=warnings,
    )


def _text(file: Path) -> str:
    return file.read_text(encoding="utf-8", errors="replace") if file.is_file() else ""


def _pcm(file: Path) -> npt.NDArray[np.int16]:
    data = file.read_bytes() if file.is_file() else b""
    return np.frombuffer(data[: len(data) // 2 * 2], "<i2").astype(np.int16)


def _counts(file: Path) -> npt.NDArray[np.int64]:
    """int64 (frames, 3): instructions executed when a frame begins and when it ends, cycles that its counter counted."""
    numbers = [[int(word) for word in line.split()] for line in _text(file).splitlines()]
    pairs = zip(numbers[::2], numbers[1::2], strict=False)
    return np.array([(*begins, *ends) for begins, ends in pairs], np.int64).reshape(-1, 3)


def _unmapped(log: str) -> tuple[str, ...]:
    """Accesses of the image to what the platform does not have."""
    return tuple(line.split("] ", 2)[-1] for line in log.splitlines() if "non existing peripheral" in line)

# SPDX-License-Identifier: Apache-2.0
"""A real board at a serial port: the Zephyr application, fed over its console in the place of its I2S."""

from __future__ import annotations

import re
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from codesign.base.errors import InputError, ValidationError
from codesign.base.progress import Progress, silent
from codesign.compiler.lower.network import Network
from codesign.firmware.boards import Board
from codesign.firmware.elf import read_elf
from codesign.firmware.flash_image import flash_checks
from codesign.firmware.image import Image
from codesign.firmware.machines.console import Line
from codesign.firmware.machines.console_report import ConsoleReport, read_report
from codesign.firmware.machines.machine import Machine, RunOptions
from codesign.firmware.machines.run import Measured, Run
from codesign.firmware.machines.serial_link import SerialLink, require_pyserial
from codesign.firmware.machines.zephyr_files import OUTPUT
from codesign.firmware.toolchain.options import BuildOptions
from codesign.firmware.toolchain.zephyr_workspace import find_build_tools, find_workspace

BAUD = 115200
CONFIGURATION = ("CONFIG_CODESIGN_AUDIO_SERIAL=y", "CONFIG_SHELL=n")
"""What a build for this machine has: everything else is as in the image with I2S."""

PATIENCE = 5.0
"""Seconds that the board may take for a hop, or for an answer in words."""

_CONSOLE = "console.txt"
_PLACE = re.compile(r"(?P<port>.+?)(@(?P<baud>[0-9]{1,8}))?")


class SerialMachine(Machine):
    """The board at `port`. What runs there is compared with the image first: its model, and all that is in its flash.

    Hops go in and out one at a time, with sequence numbers and check values, so that the line may be slower than the audio. The
    cycles of every frame are those of the core's own counter.
    """

    name = "serial"
    title = "Zephyr image on a board"
    runtime = "zephyr"

    def __init__(self, port: str = "", baud: int = BAUD, patience: float = PATIENCE) -> None:
        self.port, self.baud, self.patience = port, baud, patience

    @property
    def address(self) -> str:
        """As `at` takes it."""
        speed = "" if self.baud == BAUD else f"@{self.baud}"
        return f"{self.name}:{self.port}{speed}"

    def at(self, place: str) -> Machine:
        """The board at a port, with a speed other than 115200 after an @: /dev/ttyACM0@1000000.

        Raises:
            InputError: that is no port.
        """
        found = _PLACE.fullmatch(place)
        if found is None or (baud := int(found["baud"] or BAUD)) == 0:
            raise InputError(f"'{place}' is no serial port", hint="for example --on serial:/dev/ttyACM0")
        return SerialMachine(found["port"], baud, self.patience)

    def runs(self, board: Board) -> bool:
        """Any board of Zephyr's that is not a program of this computer."""
        return board.zephyr is not None and not board.native

    def check_board(self, board: Board) -> None:
        """As of every machine."""
        if not self.runs(board):
            raise InputError(f"board {board.name} is no Zephyr board with a serial port", hint="boards: codesign boards")

    def check_tools(self, *, profile: bool = False) -> None:
        """Look for pyserial and Zephyr.

        Raises:
            ToolError: something is missing.
            InputError: no port was given.
        """
        if not self.port:
            raise InputError("a board needs a port", hint="for example --on serial:/dev/ttyACM0")
        require_pyserial()
        find_workspace()
        find_build_tools()

    def build(
        self,
        network: Network,
        board: Board,
        folder: Path,
        *,
        profile: bool = False,
        options: BuildOptions | None = None,
        progress: Progress = silent,
    ) -> Image:
        """The application with its audio on the console. As of every machine."""
        chosen = options or BuildOptions()
        serial = replace(chosen, defines=(*CONFIGURATION, *chosen.defines))
        return super().build(network, board, folder, profile=profile, options=serial, progress=progress)

    def _run(self, image: Image, pcm: npt.NDArray[np.int16], options: RunOptions) -> Run:
        started, hop = time.monotonic(), image.network.frontend.ends.hop
        hops = pcm.reshape(-1, hop)
        played, frames, cycles = np.empty_like(hops), [], []
        with SerialLink(self.port, self.baud, self.patience) as link:
            ready = link.begin()
            _check_same(ready, image, self.port)
            for number, samples in enumerate(hops):
                played[number], done, took = link.exchange(number, samples)
                frames.append(done)
                cycles.append(took)
                options.progress(number + 1, len(hops))
            log = link.finish()
        report = read_report(log)
        if options.folder is not None:
            options.folder.mkdir(parents=True, exist_ok=True)
            (options.folder / _CONSOLE).write_text(log, encoding="utf-8")
            (options.folder / OUTPUT).write_bytes(played.astype("<i2").tobytes())
        return Run(
            machine=f"zephyr at {self.port}",
            pcm=played.reshape(-1),
            frames=report.frames,
            skipped_frames=report.stats.number("skipped"),
            console=report,
            measured=_measured(report, np.array(frames), np.array(cycles, np.int64), link.resent),
            block_samples=ready.number("block"),
            seconds=time.monotonic() - started,
        )


def _check_same(ready: Line, image: Image, port: str) -> None:
    """Whether what is flashed is what is proven.

    Raises:
        ValidationError: it is another model, another image, or takes other audio.
    """
    network = image.network
    flash = f"west flash -d {image.path.parents[1]}, then again"
    told, known = str(ready.fields.get("sha")), network.sha256[:12] or "none"
    model = str(ready.fields.get("model"))
    if model != image.generated.identifier or told.rjust(12, "0") != known.rjust(12, "0"):
        raise ValidationError(f"{port} runs model {model} {told}, not {image.generated.identifier} {known}", hint=flash)
    if ready.fields.get("image") not in flash_checks(read_elf(image.path)):
        raise ValidationError(f"{port} has {model}, but not the image {image.path}", hint=flash)
    ends = network.frontend.ends
    if ready.number("hop") != ends.frames or (ready.number("slots"), ready.number("bits")) != (ends.channels, 16):
        kind = "mono" if ends.channels == 1 else "stereo"
        raise ValidationError(
            f"{port} takes other audio than {kind} hops of 16 bit", hint="leave out slots: they are the I2S's"
        )


def _measured(report: ConsoleReport, frames: npt.NDArray[np.int64], cycles: npt.NDArray[np.int64], resent: int) -> Measured:
    """What the board's counter told hop by hop, if that is what it told at the end.

    Raises:
        ValidationError: the two do not agree, or frames are missing.
    """
    ready, stats = report.ready, report.stats
    worst, mean = stats.number("worst"), stats.number("average")
    if report.frames != frames.size or frames[-1] > frames.size or np.any(np.diff(frames) < 0):
        raise ValidationError(f"the board counted {report.frames} frames of {frames.size}")
    late = frames[-1] < frames.size  # the filter path tells of a frame with the hop after it
    total = int(cycles.sum())
    if np.any(cycles[1:] == 0) or (not late and (int(cycles.max()) != worst or abs(total - mean * frames.size) > frames.size)):
        raise ValidationError("the board's cycles of frames are not those of its counts", hint="docs/console.md, stats")
    return Measured(cycles, ready.number("hz"), str(ready.fields.get("clock", "")), resent)


MACHINE = SerialMachine()

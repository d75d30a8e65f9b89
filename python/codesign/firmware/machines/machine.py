# SPDX-License-Identifier: Apache-2.0
"""What every machine is: something that runs an image on PCM and tells what it saw."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from codesign.base.errors import InputError
from codesign.base.progress import Progress, silent
from codesign.compiler.frontend.hops import check_hops
from codesign.compiler.lower.network import Network
from codesign.firmware.boards import Board
from codesign.firmware.image import Image, Runtime
from codesign.firmware.machines.run import Run
from codesign.firmware.toolchain.build import build_image
from codesign.firmware.toolchain.options import BuildOptions


@dataclass(frozen=True)
class MonitorCommand:
    """A line for a machine's monitor at a time of the run, seconds of virtual time after reset: a fault, say."""

    at: float
    text: str


@dataclass(frozen=True)
class RunOptions:
    """How an image is run.

    The first `counted_frames` frames are counted instruction by instruction, stage by stage, where the machine can do that;
    it is slower. `folder`, if given, keeps the files of a machine that works with files. `commands` go to the monitor of a
    machine that has one. `progress` is called with frames or seconds done and in all.
    """

    counted_frames: int = 0
    folder: Path | None = None
    commands: tuple[MonitorCommand, ...] = ()
    progress: Callable[[int, int], None] = lambda done, total: None


class Machine(ABC):
    """One way to run an image.

    `name` is what commands and board cards call it, `title` what it runs, for people. `runtime` is the image that it runs;
    `profiled_runtime` the image in which it tells stages and layers apart, None where it cannot. `monitor` says whether it
    takes commands while it runs, `semihosting` whether its bare image gets audio from files, `fallback` which machine stands
    in where a board's default machine is not installed.
    """

    name: ClassVar[str]
    title: ClassVar[str]
    runtime: ClassVar[Runtime]
    profiled_runtime: ClassVar[Runtime | None] = None
    monitor: ClassVar[bool] = False
    semihosting: ClassVar[bool] = False
    fallback: ClassVar[str] = ""

    @property
    def address(self) -> str:
        """What `machine_named` takes for this machine: its name, and where it is if that has to be said."""
        return self.name

    def at(self, place: str) -> Machine:
        """The machine at a place, for machines that are somewhere.

        Raises:
            InputError: this one is here.
        """
        raise InputError(f"{self.name} is on this computer, not at '{place}'", hint=f"leave out ':{place}'")

    def runs(self, board: Board) -> bool:
        """Whether images for the board run here: its card says so."""
        return self.name in board.emulators

    def check_board(self, board: Board) -> None:
        """Look whether images for the board run here.

        Raises:
            InputError: they do not.
        """
        if not self.runs(board):
            hint = f"it runs in {', '.join(board.emulators) or 'no emulator'}"
            raise InputError(f"board {board.name} does not run in {self.name}", hint=hint)

    def title_on(self, board: Board) -> str:
        """The title, with the core that is emulated."""
        return self.title if board.native else f"{board.core.cpu} {self.title}"

    @abstractmethod
    def check_tools(self, *, profile: bool = False) -> None:
        """Look for every program and package that a run needs, before anything is built.

        Raises:
            ToolError: one is missing or too old.
        """

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
        """The image that runs here, in `folder`; with `profile` the one in which stages are told apart. `options` is what the
        user adds to the Zephyr application.

        Raises:
            InputError: the machine cannot tell stages apart, or the board or the folder cannot be used.
            ToolError, BuildError: no compiler, or it refused.
        """
        runtime = self.runtime_for(profile=profile)
        if options and runtime != "zephyr":
            raise InputError(
                f"{self.name} runs no Zephyr image: nothing can be added to its build", hint="emulate in renode or qemu"
            )
        files = self.semihosting and runtime == "bare"
        return build_image(runtime, network, board, folder, options=options, semihosting=files, progress=progress)

    def runtime_for(self, *, profile: bool) -> Runtime:
        """The runtime of the image for a run, with stages told apart or not.

        Raises:
            InputError: the machine cannot tell stages apart.
        """
        if not profile:
            return self.runtime
        if self.profiled_runtime is None:
            raise InputError(f"{self.name} does not tell layers apart", hint="profile in unicorn or qemu")
        return self.profiled_runtime

    def run(self, image: Image, pcm: npt.NDArray[np.int16], options: RunOptions | None = None) -> Run:
        """Run int16 PCM (hops · hop,), one or more whole hops, through an image that `build` made.

        Raises:
            InputError: the image is not for this machine, or the machine takes no commands.
            ToolError: a tool is missing.
            ValidationError: the image faulted, hung or reported an error.
            ValueError: PCM that is not that.
        """
        chosen = options or RunOptions()
        check_hops(pcm, image.network.frontend.ends.hop)
        if pcm.dtype != np.int16 or pcm.ndim != 1:
            raise ValueError(f"PCM of {pcm.dtype} {pcm.shape}, not int16 of one dimension")
        if image.runtime not in {self.runtime, self.profiled_runtime}:
            raise InputError(
                f"{image.path}: a {image.runtime} image does not run in {self.name}",
                hint=f"build it with the runtime {self.runtime}",
            )
        if chosen.commands and not self.monitor:
            raise InputError(f"{self.name} takes no commands while it runs", hint="run it in renode")
        return self._run(image, pcm, chosen)

    @abstractmethod
    def _run(self, image: Image, pcm: npt.NDArray[np.int16], options: RunOptions) -> Run:
        """`run`, once it is known that the image is for this machine."""

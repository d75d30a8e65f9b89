# SPDX-License-Identifier: Apache-2.0
"""Zephyr's own simulator: the application as a program of this computer (native_sim, native_posix)."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from codesign.firmware.image import Image
from codesign.firmware.machines.child import run_child
from codesign.firmware.machines.machine import Machine, RunOptions
from codesign.firmware.machines.run import Run
from codesign.firmware.machines.zephyr_files import run_on_files
from codesign.firmware.toolchain.zephyr_workspace import find_build_tools, find_workspace


class NativeMachine(Machine):
    """The Zephyr application without an emulator: PCM and the console, no counts."""

    name = "native"
    title = "native Zephyr image"
    runtime = "zephyr"

    def check_tools(self, *, profile: bool = False) -> None:
        """Look for Zephyr.

        Raises:
            ToolError: no workspace, CMake or Ninja.
        """
        find_workspace()
        find_build_tools()

    def _run(self, image: Image, pcm: npt.NDArray[np.int16], options: RunOptions) -> Run:
        program = [str(image.path.resolve())]
        return run_on_files(
            "zephyr, native", image, pcm, lambda folder, limit: run_child(program, timeout_s=limit, folder=folder)
        )


MACHINE = NativeMachine()

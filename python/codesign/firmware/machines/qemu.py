# SPDX-License-Identifier: Apache-2.0
"""QEMU: the Zephyr application through semihosting files, or the bare image where frames and stages are told apart."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt

from codesign.base.errors import InputError
from codesign.firmware.image import Image
from codesign.firmware.machines.child import ChildExit
from codesign.firmware.machines.machine import Machine, RunOptions
from codesign.firmware.machines.qemu_bare import run_bare_image
from codesign.firmware.machines.qemu_process import SEMIHOSTING_ARGUMENTS, find_qemu, machine_arguments, run_qemu
from codesign.firmware.machines.run import Run
from codesign.firmware.machines.zephyr_files import run_on_files
from codesign.firmware.toolchain.zephyr_workspace import find_build_tools, find_workspace

IN_QEMU = "zephyr in QEMU"
"""What a run of a Zephyr image names as its machine."""

_ICOUNT_SHIFT = 3
"""One instruction every 2^3 ns of virtual time: 125 million a second, about the speed of an nRF5340."""


class QemuMachine(Machine):
    """qemu-system-arm on the machine of the board's card; instructions are virtual time, so that a run repeats to the bit."""

    name = "qemu"
    title = "Zephyr image in QEMU"
    runtime = "zephyr"
    profiled_runtime = "bare"
    semihosting = True

    def check_tools(self, *, profile: bool = False) -> None:
        """Look for QEMU, and for Zephyr unless the bare image is enough.

        Raises:
            ToolError: something is missing.
        """
        find_qemu()
        if not profile:
            find_workspace()
            find_build_tools()

    def _run(self, image: Image, pcm: npt.NDArray[np.int16], options: RunOptions) -> Run:
        if image.runtime == "bare":
            return run_bare_image(image, pcm, options)
        if "," in str(image.path.resolve()):
            raise InputError(f"QEMU cannot load {image.path.resolve()}: a comma in the path", hint="build in another folder")
        machine_arguments(image.board)  # refuses boards without a machine
        clock = image.board.qemu.clock_hz if image.board.qemu else 1

        def execute(folder: Path, limit: float) -> ChildExit:
            return execute_files(image, folder, limit)

        return run_on_files(IN_QEMU, image, pcm, execute, instructions_per_cycle=1e9 / clock / 2**_ICOUNT_SHIFT)


def execute_files(image: Image, folder: Path, limit: float, more: tuple[str, ...] = ()) -> ChildExit:
    """Run the Zephyr application of `image` on the files in `folder` for at most `limit` seconds; `more`: arguments of QEMU."""
    kernel = ("-kernel", str(image.path.resolve()))
    arguments = ("-icount", f"shift={_ICOUNT_SHIFT}", *SEMIHOSTING_ARGUMENTS, *more, *kernel)
    return run_qemu(image.board, arguments, timeout_s=limit, folder=folder)


MACHINE = QemuMachine()

# SPDX-License-Identifier: Apache-2.0
"""The first frames of a Zephyr image under QEMU once more, with a log of every block: for cores that Unicorn has not."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt

from codesign.base.errors import CodesignError
from codesign.firmware.elf import read_elf
from codesign.firmware.image import Image
from codesign.firmware.machines.child import ChildExit
from codesign.firmware.machines.qemu import IN_QEMU, execute_files
from codesign.firmware.machines.qemu_trace import LOG, TRACE_ARGUMENTS, BlockTrace, read_trace
from codesign.firmware.machines.replay import PROCESS, Replay
from codesign.firmware.machines.zephyr_files import run_on_files

REPLAYED_FRAMES = 12
"""About 1 MB of log each."""


def replay_in_qemu(image: Image, pcm: npt.NDArray[np.int16]) -> Replay | None:
    """The enhancer's calls for the first REPLAYED_FRAMES frames of int16 PCM (hops · hop,), with the interrupts in them.

    None where that cannot be: the image is no Zephyr application for QEMU, or it did not come to its end.
    """
    if image.runtime != "zephyr" or image.board.qemu is None:
        return None
    elf = read_elf(image.path)
    if PROCESS not in {symbol.name for symbol in elf.symbols}:
        return None
    traces: list[BlockTrace] = []

    def execute(folder: Path, limit: float) -> ChildExit:
        done = execute_files(image, folder, limit, TRACE_ARGUMENTS)
        with (folder / LOG).open(encoding="utf-8", errors="replace") as log:
            traces.append(read_trace(log, elf, elf.address(PROCESS), {}))
        return done

    try:
        run_on_files(IN_QEMU, image, pcm[: REPLAYED_FRAMES * image.network.frontend.ends.hop], execute)
    except (CodesignError, OSError):
        return None
    calls = traces[0].instructions
    return Replay(sum(calls), traces[0].blocks, len(calls)) if calls else None

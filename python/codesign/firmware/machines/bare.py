# SPDX-License-Identifier: Apache-2.0
"""A bare image on whichever emulator has the board's core: Unicorn, else QEMU."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt

from codesign.compiler.lower.network import Network
from codesign.firmware.boards import Board
from codesign.firmware.image import Image
from codesign.firmware.machines.qemu import emulate_qemu
from codesign.firmware.machines.run import Run
from codesign.firmware.machines.unicorn import emulate_unicorn, supports
from codesign.firmware.toolchain import build_bare
from codesign.firmware.toolchain.compilers import ArmCompiler

TRACED_FRAMES = 25


def build_for_emulation(
    network: Network, board: Board, folder: Path, *, files: bool | None = None, compiler: ArmCompiler | None = None
) -> Image:
    """The bare image with files, as QEMU takes it, or without, as Unicorn does; None: as the one with the core does."""
    return build_bare(network, board, folder, compiler, semihosting=not supports(board) if files is None else files)


def emulate_bare(
    image: Image,
    board: Board,
    pcm: npt.NDArray[np.int16],
    *,
    counted_frames: int = 0,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Run:
    """Run int16 PCM (whole hops) through an image of `build_for_emulation`.

    Unicorn counts the first `counted_frames` frames, stage by stage; QEMU counts every frame as a whole, and stage by stage at
    most the first TRACED_FRAMES of those.

    Raises:
        ToolError, ValidationError: as of `emulate_unicorn` and `emulate_qemu`.
    """
    if image.semihosting:
        return emulate_qemu(image, board, pcm, traced_frames=min(counted_frames, TRACED_FRAMES), progress=progress)
    return emulate_unicorn(image, board, pcm, counted_frames=counted_frames, progress=progress)

# SPDX-License-Identifier: Apache-2.0
"""One frame of an image's enhancer, executed once more in Unicorn: which of its blocks ran how often.

Machines that run a whole application count instructions, and tell blocks apart only at a price. The enhancer keeps no state but
in memory that it is given and uses nothing of its surroundings: the same code with the same samples does the same anywhere.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from codesign.base.errors import ToolError
from codesign.compiler.frontend import hops
from codesign.compiler.plan.memory import HEADER_BYTES
from codesign.firmware.elf import ElfImage, read_elf
from codesign.firmware.image import Image
from codesign.firmware.machines.profile import BlockCount, StageProfile, thumb_instructions
from codesign.firmware.machines.unicorn import open_core, supports

PROCESS = "cs_enhancer_process"
_INIT = "cs_enhancer_init"
_RETURN = 0x0F00_0000  # no board has memory there
_PAGE = 4096
_TIMEOUT_US = 60_000_000


@dataclass(frozen=True)
class Replay:
    """What calls of the enhancer executed, one a frame: instructions, and the blocks that they were in."""

    instructions: int
    blocks: tuple[BlockCount, ...]
    frames: int = 1


def replay(image: Image, pcm: npt.NDArray[np.int16], frame: int) -> Replay | None:
    """Frame `frame` (from 0) of int16 PCM (hops · hop,), silence after its end, through the image's own code.

    None where that cannot be: Unicorn or the core is missing, the image has no such functions, or they need more than memory.
    """
    if image.board.native or not supports(image.board):
        return None
    elf = read_elf(image.path)
    model = f"{image.generated.identifier}_model"
    if not {PROCESS, _INIT, model} <= {symbol.name for symbol in elf.symbols} or image.network.back_end.filters:
        return None
    try:
        enhancer = _Enhancer(elf, image, model)
    except ToolError:
        return None
    hop = image.network.frontend.ends.hop
    padded = np.zeros((frame + 1) * hop, np.int16)
    padded[: min(pcm.size, padded.size)] = pcm[: padded.size]
    for number, block in enumerate(hops(padded, hop)):
        if number == frame:
            enhancer.count()
        if not enhancer.process(block):
            return None
    return Replay(sum(enhancer.profile.take().values()), enhancer.profile.blocks())


class _Enhancer:
    """The enhancer of an image alone on its core, in its initial state: its memory at the start of RAM, a stack at the end."""

    def __init__(self, elf: ElfImage, image: Image, model: str) -> None:
        self._uc, self._const = open_core(image.board)
        self._uc.mem_map(_RETURN, _PAGE)
        for address, data in elf.load_images():
            self._uc.mem_write(address, data)
        ram = image.board.ram
        size = HEADER_BYTES + image.plan.bytes
        self._memory = ram.origin
        self._samples = self._memory + (size + 7) // 8 * 8
        self._stack = ram.origin + ram.length - ram.reserved
        self._elf, self.profile = elf, StageProfile({})
        self._started = self._call(_INIT, elf.address(model), self._memory, size)

    def count(self) -> None:
        """Feed every block from now on to the profile."""
        from unicorn import UC_HOOK_BLOCK

        lengths: dict[tuple[int, int], int] = {}

        def on_block(uc: Any, address: int, size: int, _: object) -> None:
            key = (address, size)
            if key not in lengths:
                lengths[key] = thumb_instructions(bytes(uc.mem_read(address, size)))
            self.profile.block(address, size, lengths[key], 0)

        self._uc.hook_add(UC_HOOK_BLOCK, on_block)
        self._uc.ctl_flush_tb()  # blocks translated before have no call of the hook in them

    def process(self, block: npt.NDArray[np.int16]) -> bool:
        """One hop; whether it was computed."""
        self._uc.mem_write(self._samples, block.astype("<i2").tobytes())
        return self._started and self._call(PROCESS, self._memory, self._samples, self._samples, 1)

    def _call(self, name: str, *arguments: int) -> bool:
        """Whether a function came back with CS_OK."""
        from unicorn import UcError

        for number, value in enumerate(arguments):
            self._uc.reg_write(self._const.UC_ARM_REG_R0 + number, value)
        self._uc.reg_write(self._const.UC_ARM_REG_SP, self._stack)
        self._uc.reg_write(self._const.UC_ARM_REG_LR, _RETURN | 1)
        try:
            self._uc.emu_start(self._elf.address(name) | 1, _RETURN, timeout=_TIMEOUT_US)
        except UcError:
            return False
        back = int(self._uc.reg_read(self._const.UC_ARM_REG_PC)) == _RETURN
        return back and int(self._uc.reg_read(self._const.UC_ARM_REG_R0)) == 0

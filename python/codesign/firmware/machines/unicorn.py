# SPDX-License-Identifier: Apache-2.0
"""The bare image under Unicorn: reset vector, start-up code, then one call of the frame function per hop."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from codesign.base.errors import InputError, ToolError, ValidationError
from codesign.compiler.frontend import hops
from codesign.compiler.plan.memory import HEADER_BYTES
from codesign.firmware.boards import Board
from codesign.firmware.elf import read_elf
from codesign.firmware.image import Image
from codesign.firmware.machines.machine import Machine, RunOptions
from codesign.firmware.machines.profile import StageProfile, thumb_instructions
from codesign.firmware.machines.run import NetworkSignals, Run, counts_of
from codesign.firmware.machines.stages import counts_by_stage, layer_costs, stage_entries

_SYSTEM = 0xE000E000  # system control space: the start-up code turns the FPU on there
_MODELS = {
    "cortex-m0plus": "UC_CPU_ARM_CORTEX_M0",  # the same instructions
    "cortex-m3": "UC_CPU_ARM_CORTEX_M3",
    "cortex-m4": "UC_CPU_ARM_CORTEX_M4",
    "cortex-m7": "UC_CPU_ARM_CORTEX_M7",
    "cortex-m33": "UC_CPU_ARM_CORTEX_M33",
}
_PAGE = 4096
_PAINT = 0xC5
_TIMEOUT_US = 60_000_000  # a call that takes longer hangs: a frame needs some milliseconds


class UnicornMachine(Machine):
    """The bare image in the emulator that comes as a Python package: every frame's signals, exact counts where asked for."""

    name = "unicorn"
    title = "image in Unicorn"
    runtime = "bare"
    profiled_runtime = "bare"

    def check_tools(self, *, profile: bool = False) -> None:
        """Look for the package.

        Raises:
            ToolError: it is not installed.
        """
        _package()

    def _run(self, image: Image, pcm: npt.NDArray[np.int16], options: RunOptions) -> Run:
        """About ten times slower in counted frames."""
        if image.semihosting:
            raise InputError(f"{image.path} was built for QEMU", hint="build it without semihosting")
        started = time.perf_counter()
        core = EmulatedCore(image.path, image.board)
        core.boot()
        network, plan, hop = image.network, image.plan, image.network.frontend.ends.hop
        feature, mask = network.values[network.input], network.values[network.output]
        arena = core.elf.address("cs_bare_memory") + HEADER_BYTES
        source, target = core.elf.address("cs_bare_input"), core.elf.address("cs_bare_output")
        process, skipped = core.elf.address("cs_bare_process"), core.elf.address("cs_bare_skipped")
        profile = StageProfile(stage_entries(image, core.elf))

        outputs, features, masks, skips, costs = [], [], [], [], []
        for frame, block in enumerate(hops(pcm, hop)):
            if frame == 0 and options.counted_frames > 0:
                core.start_counting(profile)
            if frame == options.counted_frames > 0:
                core.stop_counting()
            core.write(source, block.astype("<i2").tobytes())
            status = core.call(process)
            if status != 0:
                raise ValidationError(f"{image.path}: cs_bare_process returned {status} at frame {frame}")
            outputs.append(core.read(target, 2 * hop))
            features.append(core.read(arena + plan.value(network.input).offset, feature.bytes))
            masks.append(core.read(arena + plan.value(network.output).offset, mask.bytes))
            skips.append(int.from_bytes(core.read(skipped, 4), "little"))
            if frame < options.counted_frames:
                costs.append(profile.take())
            options.progress(frame + 1, pcm.size // hop)
        counted = np.array([sum(cost.values()) for cost in costs], np.int64)
        return Run(
            machine=self.name,
            pcm=np.frombuffer(b"".join(outputs), "<i2").astype(np.int16),
            frames=len(outputs),
            skipped_frames=skips[-1],
            signals=NetworkSignals(
                features=np.frombuffer(b"".join(features), np.dtype(feature.dtype)).reshape(-1, feature.size),
                mask=np.frombuffer(b"".join(masks), np.dtype(mask.dtype)).reshape(-1, mask.size),
                skipped=np.diff(skips, prepend=0).astype(bool),
            ),
            counts=counts_of(counted, layer_costs(image, costs), counts_by_stage(image, costs), profile.blocks()),
            stack_bytes=core.stack_used(),
            seconds=time.perf_counter() - started,
        )


def supports(board: Board) -> bool:
    """Whether Unicorn has the board's core."""
    return board.core.cpu in _MODELS


def _package() -> tuple[Any, Any]:
    try:
        import unicorn
        from unicorn import arm_const
    except ImportError as error:
        raise ToolError("the emulator Unicorn is not installed", hint="pip install 'codesign[emulator]'") from error
    return unicorn, arm_const


def open_core(board: Board) -> tuple[Any, Any]:
    """Unicorn's engine for the board's core with the board's memories, and the module of its register names.

    Raises:
        ToolError: Unicorn is missing or has no such core.
    """
    unicorn, arm_const = _package()
    if not supports(board):
        raise ToolError(f"Unicorn has no {board.core.cpu}", hint=f"it has {', '.join(sorted(_MODELS))}")
    mode = unicorn.UC_MODE_THUMB | unicorn.UC_MODE_MCLASS
    engine = unicorn.Uc(unicorn.UC_ARCH_ARM, mode, getattr(arm_const, _MODELS[board.core.cpu]))
    for memory in board.memories.values():
        engine.mem_map(memory.origin, -(-memory.length // _PAGE) * _PAGE)
    engine.mem_map(_SYSTEM, _PAGE)
    return engine, arm_const


class EmulatedCore:
    """A core with the board's memories and the image in flash."""

    def __init__(self, elf_path: Path, board: Board) -> None:
        self._uc, self._const = open_core(board)
        import unicorn

        self._error = unicorn.UcError
        self._block_hook = unicorn.UC_HOOK_BLOCK
        self.elf = read_elf(elf_path)
        for address, data in self.elf.load_images():
            self._uc.mem_write(address, data)
        self._hook = 0
        self._idle = self.elf.address("cs_bare_idle")  # calls return to where the firmware waits
        self._vectors = board.flash.origin
        self._stack_bottom = self.elf.address("__stack_bottom")
        self._stack_top = self.elf.address("__stack_top")

    def boot(self) -> None:
        """From the reset vector through the start-up code and main to the idle loop."""
        stack, reset = np.frombuffer(self.read(self._vectors, 8), "<u4").tolist()
        self.write(self._stack_bottom, bytes([_PAINT]) * (self._stack_top - self._stack_bottom))
        self._uc.reg_write(self._const.UC_ARM_REG_SP, stack)
        self._run(reset, self._idle)

    def call(self, address: int) -> int:
        """Call a function without arguments and return its result (r0 as int32)."""
        self._uc.reg_write(self._const.UC_ARM_REG_SP, self._stack_top)
        self._uc.reg_write(self._const.UC_ARM_REG_LR, self._idle | 1)
        self._run(address | 1, self._idle)
        result = int(self._uc.reg_read(self._const.UC_ARM_REG_R0))
        return result - 2**32 if result >= 2**31 else result

    def read(self, address: int, size: int) -> bytes:
        return bytes(self._uc.mem_read(address, size))

    def write(self, address: int, data: bytes) -> None:
        self._uc.mem_write(address, data)

    def stack_used(self) -> int:
        """Bytes of the stack that were ever written since boot (the stack was painted before)."""
        content = self.read(self._stack_bottom, self._stack_top - self._stack_bottom)
        return len(content.lstrip(bytes([_PAINT])))

    def start_counting(self, profile: StageProfile) -> None:
        """Feed every block executed from now on to `profile`."""
        lengths: dict[tuple[int, int], int] = {}
        link_register = self._const.UC_ARM_REG_LR

        def on_block(uc: Any, address: int, size: int, _: object) -> None:
            key = (address, size)
            if (instructions := lengths.get(key)) is None:
                instructions = lengths[key] = thumb_instructions(bytes(uc.mem_read(address, size)))
            link = uc.reg_read(link_register) if profile.enters(address) else 0
            profile.block(address, size, instructions, link)

        self._hook = self._uc.hook_add(self._block_hook, on_block)
        self._uc.ctl_flush_tb()  # blocks translated before have no call of the hook in them

    def stop_counting(self) -> None:
        """Back to plain speed."""
        self._uc.hook_del(self._hook)
        self._uc.ctl_flush_tb()

    def _run(self, start: int, until: int) -> None:
        try:
            self._uc.emu_start(start, until, timeout=_TIMEOUT_US)
        except self._error as error:
            pc = self._uc.reg_read(self._const.UC_ARM_REG_PC)
            raise ValidationError(
                f"emulated image faulted at 0x{pc:08x} ({self.elf.function_at(pc)}): {error}",
                hint="this is a defect of the image: keep the build folder for a report",
            ) from error
        pc = int(self._uc.reg_read(self._const.UC_ARM_REG_PC))
        if pc != until:
            raise ValidationError(
                f"emulated image hangs at 0x{pc:08x} ({self.elf.function_at(pc)})",
                hint="this is a defect of the image: keep the build folder for a report",
            )


MACHINE = UnicornMachine()

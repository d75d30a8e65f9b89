# SPDX-License-Identifier: Apache-2.0
"""The computer itself: the shared library through ctypes, the enhancer's C API from Python."""

from __future__ import annotations

import ctypes
import time

import numpy as np
import numpy.typing as npt

from codesign.base.errors import InputError, ToolError
from codesign.compiler.frontend import hops
from codesign.compiler.frontend.output_stage import mix_of
from codesign.compiler.frontend.programs import check_program
from codesign.compiler.plan.memory import HEADER_BYTES
from codesign.firmware.boards import Board
from codesign.firmware.image import Image
from codesign.firmware.machines.machine import Machine, RunOptions
from codesign.firmware.machines.run import NetworkSignals, Run
from codesign.firmware.toolchain.compilers import find_host_compiler


class HostEnhancer:
    """One enhancer in memory of its own. `process` takes any number of hops; `reset` starts again."""

    def __init__(self, image: Image) -> None:
        try:
            self._library = ctypes.CDLL(str(image.path.resolve()))
        except OSError as error:
            raise ToolError(f"cannot load {image.path}: {error}", hint="build it again") from error
        self._model = ctypes.c_void_p(ctypes.addressof(ctypes.c_char.in_dll(self._library, image.generated.symbol)))
        self._library.cs_enhancer_size.restype = ctypes.c_size_t
        self._library.cs_enhancer_size.argtypes = [ctypes.c_void_p]
        self._library.cs_enhancer_init.argtypes = [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_size_t]
        self._library.cs_enhancer_process.argtypes = [ctypes.c_void_p] * 3 + [ctypes.c_size_t]
        for name in ("cs_enhancer_frames", "cs_enhancer_skipped"):
            getattr(self._library, name).restype = ctypes.c_uint32
            getattr(self._library, name).argtypes = [ctypes.c_void_p]
        self._image = image
        self.hop = image.network.frontend.ends.hop
        self.memory = np.zeros(self._library.cs_enhancer_size(self._model) // 8 + 1, np.uint64)
        self.reset()

    def reset(self) -> None:
        """Bring the enhancer into its initial state."""
        status = self._library.cs_enhancer_init(self._model, self.memory.ctypes.data, self.memory.nbytes)
        assert status == 0, "the library refused memory of the size it asked for"

    def process(self, pcm: npt.NDArray[np.int16]) -> npt.NDArray[np.int16]:
        """Enhance whole hops of int16 PCM, shape (hops · hop,), in one call; the output has the same shape.

        Raises:
            ValueError: samples that are no whole hops.
        """
        source = np.ascontiguousarray(pcm, np.int16)
        if source.size % self.hop:
            raise ValueError(f"{source.size} samples are not whole hops of {self.hop}")
        output = np.empty_like(source)
        hops = source.size // self.hop
        status = self._library.cs_enhancer_process(self.memory.ctypes.data, source.ctypes.data, output.ctypes.data, hops)
        assert status == 0, "the library refused initialized memory"
        return output

    def set_strength(self, percent: int) -> None:
        """How much is done to the sound from now on, 0 … 100 %; it goes there smoothly. A reset brings the chain's back.

        Raises:
            InputError: a model whose chain has no strength, or no such strength.
        """
        if not 0 <= percent <= 100:
            raise InputError(f"strength {percent} is not in 0…100 %")
        name = self._image.generated.strength_function
        if mix_of(self._image.network.frontend) is None:
            raise InputError(
                f"model {self._image.network.name} has no strength to set",
                hint="give strength or attenuation_limit in its chain",
            )
        getattr(self._library, name)(ctypes.c_void_p(self.memory.ctypes.data), percent)

    def set_program(self, program: int) -> None:
        """Which program is heard from now on, 0 for the chain's own settings; it comes in smoothly. A reset ends it.

        Raises:
            InputError: there is no such program.
        """
        check_program(self._image.network.frontend, program)
        if self._image.network.frontend.programs:
            getattr(self._library, self._image.generated.program_function)(ctypes.c_void_p(self.memory.ctypes.data), program)

    def view(self, offset: int, size: int, dtype: str) -> npt.NDArray[np.generic]:
        """A copy of `size` elements of `dtype` at `offset` bytes of the arena, (size,)."""
        return np.frombuffer(self.memory, dtype, size, HEADER_BYTES + offset).copy()

    @property
    def frames(self) -> int:
        """Frames since the last reset."""
        return int(self._library.cs_enhancer_frames(self.memory.ctypes.data))

    @property
    def skipped(self) -> int:
        """Frames whose network step was skipped, since the last reset."""
        return int(self._library.cs_enhancer_skipped(self.memory.ctypes.data))


class HostMachine(Machine):
    """The shared library on this computer: every frame's signals, no counts."""

    name = "host"
    title = "host library"
    runtime = "host"

    def runs(self, board: Board) -> bool:
        """Whatever the board, the library has its front end."""
        return True

    def check_tools(self, *, profile: bool = False) -> None:
        """Look for a C compiler.

        Raises:
            ToolError: there is none.
        """
        find_host_compiler()

    def _run(self, image: Image, pcm: npt.NDArray[np.int16], options: RunOptions) -> Run:
        """Hop by hop, keeping what the network saw and gave."""
        started = time.perf_counter()
        enhancer = HostEnhancer(image)
        network, plan = image.network, image.plan
        feature, mask = network.values[network.input], network.values[network.output]
        outputs, features, masks, skipped = [], [], [], []
        for block in hops(pcm, enhancer.hop):
            before = enhancer.skipped
            outputs.append(enhancer.process(block))
            features.append(enhancer.view(plan.value(network.input).offset, feature.size, feature.dtype))
            masks.append(enhancer.view(plan.value(network.output).offset, mask.size, mask.dtype))
            skipped.append(enhancer.skipped != before)
            options.progress(len(outputs), pcm.size // enhancer.hop)
        return Run(
            machine=self.name,
            pcm=np.concatenate(outputs),
            frames=len(outputs),
            skipped_frames=enhancer.skipped,
            signals=NetworkSignals(
                features=np.stack(features).astype(np.dtype(feature.dtype), copy=False),
                mask=np.stack(masks).astype(np.dtype(mask.dtype), copy=False),
                skipped=np.array(skipped),
            ),
            seconds=time.perf_counter() - started,
        )


MACHINE = HostMachine()

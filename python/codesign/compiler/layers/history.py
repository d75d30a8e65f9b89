# SPDX-License-Identifier: Apache-2.0
"""The last frames of a value, kept from step to step: the time context of a convolution."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from codesign.compiler.layers.arithmetic import Ints, Matrices
from codesign.compiler.layers.code import CodeContext, LayerCode
from codesign.compiler.layers.layer import Layer
from codesign.compiler.layers.value import Value

RING_KERNELS = ("dsp", "dual", "mve")
"""Kernels (keys of packing.PACKERS) of cores on which convolutions read rings."""


@dataclass(frozen=True)
class History(Layer):
    """Appends `source` [rows, size] to the state `state` [rows, frames, size], which forgets its oldest frame.

    A convolution reads the state, which then ends with this step's frame: a concatenation of a cache with a frame, and the
    slice that is the next step's cache, are both in it. The state has one frame more than such a cache.

    With `place`, a state of one int16, C for RING_KERNELS keeps it as a ring whose oldest frame is there, and moves nothing but
    the new frame: for readers that know of `place`. The reference has the frames in their order either way.
    """

    source: str
    state: str
    rows: int
    frames: int
    size: int
    place: str = ""

    kind: ClassVar[str] = "history"

    @property
    def title(self) -> str:
        return f"history of {self.frames} frames"

    @property
    def reads(self) -> tuple[str, ...]:
        return (self.source,)

    @property
    def writes(self) -> tuple[str, ...]:
        return ()

    @property
    def states(self) -> tuple[str, ...]:
        return (self.state, self.place) if self.place else (self.state,)

    @property
    def weights_int8(self) -> tuple[npt.NDArray[np.int8], ...]:
        return ()

    @property
    def constants(self) -> tuple[npt.NDArray[Any], ...]:
        return ()

    @property
    def scratch_bytes(self) -> int:
        return 0

    def step(self, values: dict[str, Ints], matrices: Matrices) -> None:
        old = values[self.state].reshape(self.rows, self.frames, self.size)
        new = values[self.source].reshape(self.rows, 1, self.size)
        values[self.state] = np.concatenate([old[:, 1:], new], axis=1).reshape(-1)
        if self.place:
            values[self.place] = (values[self.place] + 1) % self.frames

    def code(self, context: CodeContext) -> LayerCode:
        prefix = context.functions[self.name]
        bits = 16 if context.values[self.state].dtype == "int16" else 8
        shape = f"{self.rows}, {self.frames}, {self.size}"
        if self.place and context.kernel in RING_KERNELS:
            statement = f"cs_ring_s16({context.at(self.state)}, {context.at(self.place)}, {context.at(self.source)}, {shape});"
        else:
            statement = f"cs_history_s{bits}({context.at(self.state)}, {context.at(self.source)}, {shape});"
        return LayerCode(prefix, (), context.render("elementwise.c.j2", prefix=prefix, statement=statement))

    def tolerance(self, values: Mapping[str, Value]) -> dict[str, int]:
        return {self.state: 0}

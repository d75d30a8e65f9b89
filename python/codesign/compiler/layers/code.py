# SPDX-License-Identifier: Apache-2.0
"""C of a layer: its constants, and the function that the step calls."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from codesign.compiler.layers.literals import literals
from codesign.compiler.layers.packing import PACKERS
from codesign.compiler.layers.packing_wide import PACKERS_WIDE
from codesign.compiler.layers.value import Value

_CTYPES = {"int8": "int8_t", "int16": "int16_t", "uint16": "uint16_t", "int32": "int32_t", "uint32": "uint32_t"}
_CTYPES["float32"] = "float"


@dataclass(frozen=True)
class Array:
    """A constant C array. `name` is a C identifier, made by emit.names."""

    name: str
    ctype: str
    count: int
    values: str

    @classmethod
    def of(cls, name: str, values: npt.NDArray[Any]) -> Array:
        """The C array of `values`, flattened in row-major order, of their type."""
        return cls(name, _CTYPES[str(values.dtype)], values.size, literals(values))


@dataclass(frozen=True)
class LayerCode:
    """C of one layer: the constants go to their own file, `code` to the model's, `function` is what the step calls."""

    function: str
    arrays: tuple[Array, ...]
    code: str


@dataclass(frozen=True)
class CodeContext:
    """What the layers of one model have in common.

    `kernel` is a key of packing.PACKERS. `functions` maps layers to the names of their C functions, which prefix all that
    belongs to a layer; `value_macros` maps values, and `scratch_macros` layers with scratch, to the names of their offsets
    in the enhancer's memory.
    """

    values: Mapping[str, Value]
    kernel: str
    functions: Mapping[str, str]
    value_macros: Mapping[str, str]
    scratch_macros: Mapping[str, str]
    render: Callable[..., str]

    def at(self, name: str) -> str:
        """C expression for the value `name`, typed."""
        return f"({_CTYPES[self.values[name].dtype]} *)(memory + {self.value_macros[name]})"

    def member(self, layer: str, name: str) -> str:
        """The C name of a constant that belongs to a layer; no function's name has two _ in a row."""
        return f"{self.functions[layer]}__{name}"

    def scratch(self, layer: str) -> str:
        """C expression for a layer's scratch."""
        return f"memory + {self.scratch_macros[layer]}"

    def matrix(self, name: str, weights: npt.NDArray[np.int8], *, wide: bool = False) -> tuple[Array, str]:
        """The packed array of a matrix and its cs_matrix initializer; `wide` for int16 vectors."""
        array = Array.of(name, (PACKERS_WIDE if wide else PACKERS)[self.kernel](weights))
        rows, columns = weights.shape
        kernel = f"wide_{self.kernel}" if wide else self.kernel
        return array, f"{{ &cs_kernel_{kernel}, {array.name}, {rows}, {columns} }}"

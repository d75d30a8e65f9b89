# SPDX-License-Identifier: Apache-2.0
"""Which constants of a network an image keeps a copy of in RAM: those that it reads most often for each byte that they take."""

from __future__ import annotations

from collections.abc import Iterable

from codesign.compiler.layers.code import Array, LayerCode

_ALIGNMENT = 4
_BYTES = {"int8_t": 1, "int16_t": 2, "uint16_t": 2, "int32_t": 4, "uint32_t": 4, "float": 4}


def hot_arrays(layers: Iterable[tuple[int, LayerCode]], budget: int) -> frozenset[str]:
    """Names of the constants that `budget` bytes of RAM hold, of layers with their multiply-accumulates a frame.

    A byte of a layer is read MACs / bytes times a frame: layers that read theirs at many positions come first, then those in
    the order in which they run. Within a layer the largest constants come first; one that no longer fits is left in flash,
    and a smaller one may still have its place.
    """
    rows = [(macs / sum(map(array_bytes, code.arrays)), code) for macs, code in layers if code.arrays and macs]
    chosen: set[str] = set()
    for _, code in sorted(rows, key=lambda row: -row[0]):
        for array in sorted(code.arrays, key=lambda array: -array_bytes(array)):
            size = -(-array_bytes(array) // _ALIGNMENT) * _ALIGNMENT
            if size <= budget:
                chosen.add(array.name)
                budget -= size
    return frozenset(chosen)


def array_bytes(array: Array) -> int:
    """Bytes of a constant."""
    return array.count * _BYTES[array.ctype]

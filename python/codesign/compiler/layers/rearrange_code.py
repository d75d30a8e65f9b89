# SPDX-License-Identifier: Apache-2.0
"""The C of a Rearrange layer: runs of neighbours are copied as bytes, all else is a walk over strides."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from codesign.compiler.layers.code import Array, CodeContext, LayerCode
from codesign.compiler.layers.history import RING_KERNELS
from codesign.compiler.layers.loops import MOST_LOOPS, Loop, Loops

if TYPE_CHECKING:
    from codesign.compiler.layers.rearrange import Piece, Rearrange

_FEW = 2
"""A copy of bytes stands in at most so many loops, the innermost being the run itself."""

_PAIRED = 4
"""So many neighbours at least cost less two at a time than one after the other."""

_INLINE = 32
"""Bytes of a run that are copied without a call."""

_COPY = dict.fromkeys(RING_KERNELS, "cs_move_up")
"""What copies a longer run, by kernel, else memcpy, which some C libraries have byte by byte where addresses are odd."""


def rearrange_code(layer: Rearrange, context: CodeContext) -> LayerCode:
    """The function of the layer, and the tables and constants that it reads."""
    prefix, target = context.functions[layer.name], context.values[layer.output].dtype
    y, bits = context.at(layer.output), 16 if target == "int16" else 8
    arrays: dict[bytes, Array] = {}
    copies: list[dict[str, Any]] = []
    scales: list[dict[str, Any]] = []
    statements: list[str] = []

    def constant(what: str, numbers: Any) -> str:
        key = what.encode() + numbers.tobytes()
        name = context.member(layer.name, f"{what}{len(arrays)}")
        return arrays.setdefault(key, Array.of(name, numbers)).name

    for piece in layer.pieces:
        x = context.at(piece.source) if piece.source is not None else constant("fill", np.array([piece.fill], target))
        if piece.table is not None or _is_run(piece):
            table = "" if piece.table is None else constant("table_", piece.table)
            statements.append(_nested(piece.loops, x, y, bits // 8, table, _COPY.get(context.kernel, "memcpy")))
            continue
        for loops in piece.loops.split():
            copy = f"&{prefix}__copies[{len(copies)}]"
            copies.append(c_loops(loops, scaled=piece.rescale is not None))
            if piece.rescale is None:
                statements.append(f"cs_rearrange_s{bits}({copy}, {x}, {y});")
                continue
            wide = piece.source is not None and context.values[piece.source].dtype == "int16"
            row = {"rescale": piece.rescale, "wide": int(wide), "y_wide": int(bits == 16)}
            if row not in scales:
                scales.append(row)
            statements.append(f"cs_rearrange_scaled({copy}, &{prefix}__scales[{scales.index(row)}], {x}, {y});")
    text = context.render("rearrange.c.j2", prefix=prefix, copies=copies, scales=scales, statements=statements)
    return LayerCode(prefix, tuple(arrays.values()), text)


def c_loops(loops: Loops, *, scaled: bool = False) -> dict[str, Any]:
    """Fields of a cs_copy. The innermost loop, which costs least, is the longest where no neighbours are copied, or, where they
    are `scaled`, that of neighbours of the source: those are multiplied two at a time.
    """
    missing, ordered = MOST_LOOPS - len(loops.loops), list(loops.loops)
    neighbours = next((i for i, loop in enumerate(ordered) if loop.source == 1 and loop.size >= _PAIRED), None)
    if scaled and neighbours is not None:
        ordered.append(ordered.pop(neighbours))
    elif ordered and (ordered[-1].source, ordered[-1].output) != (1, 1):
        longest = max(range(len(ordered)), key=lambda i: (ordered[i].size, i))
        ordered.append(ordered.pop(longest))
    return {
        "from_offset": loops.source_offset,
        "to_offset": loops.output_offset,
        "sizes": [1] * missing + [loop.size for loop in ordered],
        "from_": [0] * missing + [loop.source for loop in ordered],
        "to": [0] * missing + [loop.output for loop in ordered],
    }


def _is_run(piece: Piece) -> bool:
    """Whether a copy of bytes in a loop or in none is it."""
    loops = piece.loops.loops
    neighbours = not loops or (loops[-1].source, loops[-1].output) == (1, 1)
    return piece.source is not None and piece.rescale is None and neighbours and len(loops) <= _FEW


def _nested(loops: Loops, x: str, y: str, element_bytes: int, table: str, function: str) -> str:
    """Loops in C around the copy of a run by `function`; through `table`, if there is one."""
    outer, run = list(loops.loops), Loop(1, 1, 1)
    if outer and (outer[-1].source, outer[-1].output) == (1, 1):
        run = outer.pop()
    source, to = f"{x} + {loops.source_offset}", f"{y} + {loops.output_offset}"
    heads = []
    for name, loop in zip("ijklmnop", outer, strict=False):
        heads.append(f"for (int {name} = 0; {name} < {loop.size}; {name}++) {{ ")
        source += f" + {name} * {loop.source}"
        to += f" + {name} * {loop.output}"
    size = run.size * element_bytes
    copy = "__builtin_memcpy" if size <= _INLINE else function  # -ffreestanding makes memcpy a call
    statement = f"{copy}({to}, {source}, {size});"
    if table:
        statement = f"cs_lookup_s8({table}, {source}, {to}, {run.size});"
    return "".join(heads) + statement + " }" * len(heads)

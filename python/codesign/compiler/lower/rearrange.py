# SPDX-License-Identifier: Apache-2.0
"""Concatenations and slices → Copy: bytes, or a table where a scale changes. Views → nothing."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from codesign.compiler.layers import Copy, Piece, Value
from codesign.compiler.layers.arrangement import Arrangement, concatenate
from codesign.compiler.lower.arrangement import rearrange
from codesign.compiler.lower.convert import converted, requantizing
from codesign.compiler.model.graph import Quant

if TYPE_CHECKING:
    from codesign.compiler.lower.context import Context
    from codesign.compiler.operators.concat import Concat
    from codesign.compiler.operators.slice import Slice
    from codesign.compiler.operators.view import View


def lower_concat(context: Context, op: Concat) -> None:
    """Append the copy of all sources."""
    sources = [context.source(op.name, name) for name in op.inputs]
    output = context.add_value(op.output, context.known_quant(op.name, op.output))
    if any(not _copied(source, output) for source in sources):
        shapes = [context.graph.shapes[name] for name in op.inputs]
        parts = [Arrangement.of(source.name, shape) for source, shape in zip(sources, shapes, strict=True)]
        values = {source.name: source for source in sources}
        context.layers.append(rearrange(op.name, concatenate(parts, op.axis), values, output))
        return
    count, inner = math.prod(output.shape[: op.axis]), math.prod(output.shape[op.axis + 1 :])
    pieces, to, stride = [], 0, output.shape[op.axis] * inner
    for source in sources:
        length = source.size // count
        table = requantizing(op.name, source, output)
        pieces.append(Piece(source.name, length, 0, to, count, length, stride, table))
        to += length
    context.layers.append(Copy(op.name, output.name, output.size, tuple(pieces)))


def lower_slice(context: Context, op: Slice) -> None:
    """Append the copy of a part."""
    source = context.source(op.name, op.source)
    output = context.add_value(op.output, context.known_quant(op.name, op.output))
    shape = context.graph.shapes[op.source]
    if not _copied(source, output):
        part = Arrangement.of(source.name, shape).slice(op.axis, op.start, op.stop - op.start)
        context.layers.append(rearrange(op.name, part, {source.name: source}, output))
        return
    count, inner = math.prod(shape[: op.axis]), math.prod(shape[op.axis + 1 :])
    length = (op.stop - op.start) * inner
    table = requantizing(op.name, source, output)
    piece = Piece(source.name, length, op.start * inner, 0, count, shape[op.axis] * inner, length, table)
    context.layers.append(Copy(op.name, output.name, output.size, (piece,)))


def _copied(source: Value, output: Value) -> bool:
    """Whether a copy, through a table at most, brings `source` to `output`."""
    both = (source.dtype, output.dtype)
    return both == ("int8", "int8") or (both == ("int16", "int16") and source.scale == output.scale)


def lower_view(context: Context, op: View) -> None:
    """Let `op` be another name of its source; a state's old value, and one in another scale, is copied."""
    source, quant = context.source(op.name, op.source), context.quant(op.output)
    bits = 8 if source.dtype == "int8" else 16
    same = quant is None or (quant.scale, quant.zero_point, quant.bits) == (source.scale, source.zero_point, bits)
    if same and context.graph.state(op.source) is None and op.output != context.graph.output:
        context.aliases[op.output] = source.name
        return
    output = context.add_value(op.output, quant or Quant(source.scale, source.zero_point, bits))
    context.layers.append(converted(op.name, source, output))

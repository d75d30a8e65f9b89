# SPDX-License-Identifier: Apache-2.0
"""An arrangement of values → Rearrange, with another scale for those that need it; operators of layout → one, or a name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from codesign.base.errors import InputError
from codesign.compiler.layers import Rearrange, Value
from codesign.compiler.layers.arrangement import Arrangement
from codesign.compiler.layers.loops import Loop, Loops
from codesign.compiler.layers.rearrange import Piece, Rescale
from codesign.compiler.lower.constants import QUANTIZE_HINT, clamp, half_away, quantized_multiplier
from codesign.compiler.lower.unfolded import stack, unfolded
from codesign.compiler.model.graph import Quant

if TYPE_CHECKING:
    from codesign.compiler.lower.context import Context
    from codesign.compiler.operators.layout import Layout


@dataclass(frozen=True)
class Arranged:
    """A value of the graph that is nowhere yet: elements of values of the network. `op` is the operator that makes it."""

    op: str
    arrangement: Arrangement
    quant: Quant


LARGEST_SHIFT = 12
"""|x − zero point| < 2^17, and MBQM takes values below 2^30 · 2^−(shift + 1)."""


def rearrange(name: str, arrangement: Arrangement, values: Mapping[str, Value], output: Value) -> Rearrange:
    """The layer that writes `arrangement` of `values` to `output`; padding is the real number 0.

    Raises InputError, naming the layer, for sizes that do not fit or a scale that is too small.
    """
    if arrangement.size != output.size:
        raise InputError(f"{name}: '{output.name}' has {output.size} elements, what is written {arrangement.size}")
    pieces = []
    for source, loops in arrangement.loops():
        if source is None:
            pieces.append(Piece(loops, None, fill=output.zero_point))
        else:
            pieces.append(_piece(name, loops, values[source], output))
    return Rearrange(name, output.name, output.size, tuple(pieces))


def copied(name: str, source: Value, output: Value) -> Rearrange:
    """The layer that brings all of `source` to `output`, a value of as many elements."""
    whole = Loops((Loop(source.size, 1, 1),) if source.size > 1 else ())
    return Rearrange(name, output.name, output.size, (_piece(name, whole, source, output),))


def lower_layout(context: Context, op: Layout) -> None:
    """Append the copy that `op` is, with all operators of layout before it that nothing else reads, or give its value another
    name where the elements are in place.

    Raises InputError for elements that move in too many pieces, and a value without parameters whose sources differ in theirs.
    """
    (output,) = op.outputs
    quant = context.quant(output)
    arrangement = op.arranged([_source(context, op, name, quant) for name in op.sources])
    if arrangement is None:  # too many pieces: what is read comes to its place first
        arrangement = op.arranged([_whole(context, op, name) for name in op.sources])
    if arrangement is None:
        raise InputError(f"{op.name}: moves its elements in too many pieces", hint="export the network without it")
    values = {part.view.source for part in arrangement.parts if part.view.source is not None}
    if quant is None:
        found = {quant_of(context.values[name]) for name in values}
        if len(found) != 1:
            raise InputError(f"{op.name}: value '{output}' is not quantized", hint=QUANTIZE_HINT)
        (quant,) = found
    context.arranged[output] = Arranged(op.name, arrangement, quant)
    readers = context.graph.readers(output)
    composed = readers and all(reader.moves for reader in readers)
    if len(readers) == 1 and readers[0].pointwise_groups:
        composed = unfolded(arrangement, quant, readers[0].pointwise_groups, context.values) is not None
    elif len(readers) == 1 and quant.bits == 16 and (kernel := readers[0].frequency_kernel) is not None:
        composed = stack(arrangement, kernel) is not None
    if not composed or context.graph.is_kept(output) or any(map(context.changes, values)):
        put(context, output)


def put(context: Context, name: str) -> Value:
    """The value that holds an arranged one of the graph: a copy, or that which it is another name of."""
    arranged = context.arranged.pop(name)
    found = arranged.arrangement.alias()
    if found is not None and name != context.graph.output:
        value = context.values[found[0]]
        whole = found[1] == 0 and value.size == arranged.arrangement.size
        if whole and quant_of(value) == arranged.quant and not context.changes(value.name):
            context.aliases[name] = value.name
            return value
    value = context.add_value(name, arranged.quant)
    context.layers.append(rearrange(arranged.op, arranged.arrangement, context.values, value))
    return value


def quant_of(value: Value) -> Quant:
    """The parameters of a value."""
    return Quant(value.scale, value.zero_point, 8 if value.dtype == "int8" else 16)


def _source(context: Context, op: Layout, name: str, quant: Quant | None) -> Arrangement:
    """What `op` reads as elements that are not in place yet, where none of them is rounded twice then."""
    arranged = context.arranged.get(name)
    if arranged is None:
        return _whole(context, op, name)
    parts = arranged.arrangement.parts
    exact = all(quant_of(context.values[p.view.source]) == arranged.quant for p in parts if p.view.source is not None)
    return arranged.arrangement if exact or quant in (None, arranged.quant) else _whole(context, op, name)


def _whole(context: Context, op: Layout, name: str) -> Arrangement:
    return Arrangement.of(context.source(op.name, name).name, context.graph.shapes[name])


def _piece(name: str, loops: Loops, source: Value, output: Value) -> Piece:
    if quant_of(source) == quant_of(output):
        return Piece(loops, source.name)
    if source.dtype == output.dtype == "int8":
        return Piece(loops, source.name, table=_table(source, output))
    return Piece(loops, source.name, rescale=_rescale(name, source, output))


def _table(source: Value, output: Value) -> npt.NDArray[np.int8]:
    """From int8 to int8: clamp(rne(s_x · (q − zp_x) / s_y) + zp_y); `full` as TFLite's DEQUANTIZE and QUANTIZE, in float32."""
    q = np.arange(-128, 128)
    if output.full:
        real = (source.scale * (q - source.zero_point)).astype(np.float32) / np.float32(output.scale)
        found = half_away(real) + output.zero_point
        return np.clip(found, output.low, output.high).astype(np.int8)
    reals = (source.scale * (q - source.zero_point) / output.scale for q in range(-128, 128))
    return np.array([clamp(clamp(y, -1024, 1024) + output.zero_point, output.low, output.high) for y in reals], np.int8)


def _rescale(name: str, source: Value, output: Value) -> Rescale:
    multiplier, shift = quantized_multiplier(source.scale / output.scale)
    if shift > LARGEST_SHIFT:
        raise InputError(
            f"{name}: scale {output.scale:g} of '{output.name}' is too small for '{source.name}'", hint=QUANTIZE_HINT
        )
    return Rescale(multiplier, shift, source.zero_point, output.zero_point, output.low, output.high)

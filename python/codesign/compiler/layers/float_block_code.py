# SPDX-License-Identifier: Apache-2.0
"""The C of a float block: a call of codesign/real.h for each step."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from codesign.compiler.layers.code import Array, CodeContext, LayerCode
from codesign.compiler.layers.float_program import Apply, Bands, Move, Pair, Step
from codesign.compiler.layers.literals import float_literal
from codesign.compiler.layers.rearrange_code import c_loops

if TYPE_CHECKING:
    from codesign.compiler.layers.float_block import FloatBlock
    from codesign.compiler.layers.value import Value


def float_block_code(layer: FloatBlock, context: CodeContext) -> LayerCode:
    """The function of the layer, and the tables and constants that it reads."""
    writer = _Writer(layer, context)
    for value in layer.inputs:
        writer.read(value)
    for step in layer.steps:
        writer.step(step)
    for value, result in zip(layer.outputs, layer.results, strict=True):
        writer.write(value, result)
    prefix = context.functions[layer.name]
    text = context.render("rearrange.c.j2", prefix=prefix, copies=writer.copies, scales=(), statements=writer.statements)
    return LayerCode(prefix, tuple(writer.arrays), text)


class _Writer:
    """Statements, and what they name, as they grow."""

    def __init__(self, layer: FloatBlock, context: CodeContext) -> None:
        self._layer, self._context = layer, context
        self._prefix = context.functions[layer.name]
        self.statements: list[str] = []
        self.arrays: list[Array] = []
        self.copies: list[dict[str, Any]] = []
        self._at = [self._vector(i) for i in range(len(layer.vectors))]

    def _vector(self, i: int) -> str:
        """C expression for a vector."""
        vector, context = self._layer.vectors[i], self._context
        if vector.constant is not None:
            array = Array.of(context.member(self._layer.name, f"numbers{i}"), vector.constant)
            self.arrays.append(array)
            return array.name
        values = {value.name: value for value in self._layer.inputs}
        if vector.source and values[vector.source].dtype == "float32":
            return context.at(vector.source)
        return f"(float *)(void *)({context.scratch(self._layer.name)}) + {vector.offset}"

    def read(self, value: Value) -> None:
        """Bring integers to their vector."""
        if value.dtype != "float32":
            i = next(i for i, vector in enumerate(self._layer.vectors) if vector.source == value.name)
            kind = value.dtype.removeprefix("int")
            numbers = f"{value.size}, {float_literal(value.scale)}, {value.zero_point}"
            self.statements.append(f"cs_dequantize_s{kind}({self._context.at(value.name)}, {numbers}, {self._at[i]});")

    def write(self, value: Value, result: int) -> None:
        """Bring a vector to a value."""
        x, y, n = self._at[result], self._context.at(value.name), value.size
        match value.dtype:
            case "float32":
                self.statements.append(f"memcpy({y}, {x}, {4 * n});")
            case "int16":
                self.statements.append(f"cs_real_to_s16({x}, {n}, {float_literal(value.scale)}, {y});")
            case "int8":
                numbers = f"{float_literal(value.scale)}, {value.zero_point}"
                self.statements.append(f"cs_real_to_s8({x}, {n}, {numbers}, {y});")

    def step(self, step: Step) -> None:
        """Append a step's call."""
        vectors, at, y = self._layer.vectors, self._at, self._at[step.target]
        match step:
            case Move():
                for loops in step.loops.split():
                    self.statements.append(
                        f"cs_real_move(&{self._prefix}__copies[{len(self.copies)}], {at[step.source]}, {y});"
                    )
                    self.copies.append(c_loops(loops))
            case Pair():
                sides = [f"{at[i]}, {int(vectors[i].size > 1)}" for i in (step.left, step.right)]
                floor = f"{float_literal(step.floor)}, " if step.operation == "magnitude" else ""
                call = f"cs_real_{step.operation}({', '.join(sides)}, {floor}{vectors[step.target].size}, {y});"
                self.statements.append(call)
            case Apply():
                parameter = "" if step.function == "root" else f"{float_literal(step.parameter)}, "
                call = f"cs_real_{step.function}({at[step.source]}, {parameter}{vectors[step.target].size}, {y});"
                self.statements.append(call)
            case Bands():
                self._bands(step)

    def _bands(self, step: Bands) -> None:
        matrix, number = step.matrix, len(self.arrays)
        parts = []
        for what in ("start", "length", "weights"):
            numbers = getattr(matrix, what)
            name = self._context.member(self._layer.name, f"{what}{number}")
            self.arrays.append(Array.of(name, numbers))
            parts.append(name)
        members = f"{matrix.rows}, {matrix.columns}, {', '.join(parts)}"
        vectors = self._layer.vectors[step.source].size // matrix.columns
        at = f"{self._at[step.source]} + i * {matrix.columns}", f"{self._at[step.target]} + i * {matrix.rows}"
        call = f"cs_banded_multiply(&matrix{number}, {at[0]}, {at[1]});"
        self.statements.append(f"static const cs_banded matrix{number} = {{ {members} }};")
        self.statements.append(f"for (int i = 0; i < {vectors}; i++) {{ {call} }}")

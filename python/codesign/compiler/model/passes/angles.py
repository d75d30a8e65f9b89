# SPDX-License-Identifier: Apache-2.0
"""Phases in radians: their cosine and sine are parts over the magnitude, and a magnitude times one of them is a part itself."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import onnx

from codesign.compiler.model.passes.draft import Draft, make, operand, title

_LEAST = 1e-24
"""Added to the power that a direction is divided by the root of: 0 has none."""
_SMALL = 1e-4
"""The largest number that is added to a part, or, as its square, to a power to keep it from 0."""
_NEAR = 1e-3
_MOST_FACTORS = 16
Makers = Mapping[str, onnx.NodeProto]


def run(draft: Draft) -> None:
    """Replace cosine and sine of phases, and products of these with magnitudes. Sizes need not be known."""
    makers = draft.makers()
    found = _Angles(draft, makers)
    new: dict[int, list[onnx.NodeProto]] = {}
    for node in draft.nodes:
        if node.op_type == "Where" and (value := found.without_guard(node)) is not None:
            new[id(node)] = [make("Identity", [value], list(node.output), node.name)]
        elif nodes := found.product(node) or found.direction(node):
            new[id(node)] = nodes
    if draft.substitute(new):
        draft.drop_dead()


@dataclass(frozen=True)
class _Angles:
    draft: Draft
    makers: Makers

    def direction(self, node: onnx.NodeProto) -> list[onnx.NodeProto]:
        """Cosine or sine of a phase as a quotient; nothing where it is of something else."""
        parts = self._phase(node.input[0]) if node.op_type in ("Cos", "Sin") else None
        if parts is None:
            return []
        im, re = parts
        result, draft = node.output[0], self.draft
        names = [draft.fresh(f"{result}_{what}") for what in ("re2", "im2", "power", "floor", "size")]
        least = draft.constant(np.array(_LEAST, np.float32), f"{result}_least")
        return [
            make("Mul", [re, re], [names[0]], names[0]),
            make("Mul", [im, im], [names[1]], names[1]),
            make("Add", names[:2], [names[2]], names[2]),
            make("Add", [names[2], least], [names[3]], names[3]),
            make("Sqrt", [names[3]], [names[4]], names[4]),
            make("Div", [re if node.op_type == "Cos" else im, names[4]], [result], node.name),
        ]

    def product(self, node: onnx.NodeProto) -> list[onnx.NodeProto]:
        """A product of a magnitude, cosine or sine of that number's phase, and others, as that of its part and the others."""
        factors = self._factors(node.output[0], 1.0) if node.op_type == "Mul" else []
        for index, (name, power) in enumerate(factors):
            turn = self.makers.get(name)
            if turn is None or turn.op_type not in ("Cos", "Sin") or power != 1.0:
                continue
            parts = self._phase(turn.input[0])
            size = None if parts is None else self._size(factors, parts)
            if parts is None or size is None:
                continue
            self.draft.note(f"'{title(node)}' is a part of the spectrum times real numbers: its phase goes back in as it was")
            others = [factor for place, factor in enumerate(factors) if place not in (index, size)]
            return self._multiplied(node, self._bare(parts[turn.op_type == "Cos"]), others)
        return []

    def without_guard(self, node: onnx.NodeProto) -> str | None:
        """The phase of which a Where replaces NaN by 0: that of 0."""
        asked, zero, value = node.input
        guard = self.makers.get(asked)
        if guard is None or guard.op_type != "IsNaN" or guard.input[0] != value or self._number(zero) != 0.0:
            return None
        return value if self._phase(value) is not None else None

    def _multiplied(self, node: onnx.NodeProto, part: str, others: list[tuple[str, float]]) -> list[onnx.NodeProto]:
        draft, nodes, value = self.draft, [], part
        for number, (name, power) in enumerate(others):
            if power != 1.0:
                raised = draft.fresh(f"{node.output[0]}_power")
                nodes.append(make("Pow", [name, draft.constant(np.array(power, np.float32), f"{raised}_of")], [raised], raised))
                name = raised
            result = node.output[0] if number == len(others) - 1 else draft.fresh(f"{node.output[0]}_product")
            nodes.append(make("Mul", [value, name], [result], node.name if result == node.output[0] else result))
            value = result
        return nodes or [make("Identity", [part], list(node.output), node.name)]

    def _factors(self, name: str, power: float) -> list[tuple[str, float]]:
        """What a value is the product of, each with its power."""
        node = self.makers.get(name)
        if node is not None and node.op_type == "Mul":
            found = [factor for part in node.input for factor in self._factors(part, power)]
            return found if len(found) <= _MOST_FACTORS else [(name, power)]
        if (
            node is not None
            and node.op_type == "Pow"
            and (exponent := self._number(node.input[1])) is not None
            and exponent > 0
        ):
            return self._factors(node.input[0], power * exponent)
        return [(name, power)]

    def _size(self, factors: list[tuple[str, float]], parts: tuple[str, str]) -> int | None:
        """The place among factors of the magnitude of the number with these parts."""
        wanted = {self._bare(part) for part in parts}
        for place, (name, power) in enumerate(factors):
            node = self.makers.get(name)
            if node is None or node.op_type != "Sqrt" or abs(power - 1.0) > _NEAR:
                continue
            total = self.makers.get(self._bare(node.input[0], _SMALL**2))
            if total is not None and total.op_type == "Add" and {self._root(side) for side in total.input} == wanted:
                return place
        return None

    def _root(self, name: str) -> str:
        """What a value is the square of."""
        node = self.makers.get(name)
        if node is None:
            return ""
        square = node.op_type == "Mul" and node.input[0] == node.input[1]
        square = square or (node.op_type == "Pow" and self._number(node.input[1]) == 2.0)
        return self._bare(node.input[0]) if square else ""

    def _bare(self, name: str, limit: float = _SMALL) -> str:
        """A value without a small number that is added to it."""
        node = self.makers.get(name)
        if node is not None and node.op_type == "Add":
            for value, number in ((node.input[0], node.input[1]), (node.input[1], node.input[0])):
                small = self._number(number)
                if small is not None and 0.0 <= small <= limit:
                    return self._bare(value, limit)
        return name

    def _phase(self, name: str) -> tuple[str, str] | None:
        """Imaginary and real part of the number whose phase a value is."""
        outer = self.makers.get(name)
        if outer is None or outer.op_type != "Where":
            return None
        value = self.without_guard(outer)
        if value is not None:
            return self._phase(value)
        less, inner, atan = (self.makers.get(part) for part in outer.input)
        quotient = self.makers.get(operand(atan, 0)) if atan is not None and atan.op_type == "Atan" else None
        if less is None or inner is None or quotient is None or (less.op_type, inner.op_type) != ("Less", "Where"):
            return None
        asked, above, below = (self.makers.get(part) for part in inner.input)
        if quotient.op_type != "Div" or asked is None or above is None or below is None or atan is None:
            return None
        im, re = quotient.input
        turns = [(above.op_type, self._turn(above, atan)), (below.op_type, self._turn(below, atan))]
        fits = turns in ([("Add", 1), ("Sub", 1)], [("Add", 1), ("Add", -1)]) and asked.op_type in ("Greater", "GreaterOrEqual")
        fits = fits and asked.input[0] == im and less.input[0] == re
        fits = fits and all(self._number(node.input[1]) == 0.0 for node in (asked, less))
        return (im, re) if fits else None

    def _turn(self, node: onnx.NodeProto, atan: onnx.NodeProto) -> int:
        """What a node adds to, or takes from, a slope, in π; 0 for anything else."""
        number = self._number(node.input[1]) if len(node.input) == 2 and node.input[0] == atan.output[0] else None
        return 0 if number is None or abs(abs(number) - math.pi) > _NEAR else int(math.copysign(1, number))

    def _number(self, name: str) -> float | None:
        array = self.draft.constants.get(name)
        if array is None or not array.size or array.dtype.kind not in "fi" or not (array == array.ravel()[0]).all():
            return None
        return float(array.ravel()[0])

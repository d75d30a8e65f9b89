# SPDX-License-Identifier: Apache-2.0
"""Products and sums with constants (means, deviations, BatchNorm) go into the linear layer before or after them.

Between the constant and the layer there may be views, which only move elements; before the layer's output is reached there may
be other sums with constants. What is passed on the way must have no other reader.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import onnx

from codesign.compiler.model.passes.draft import Array, Draft, attribute, make
from codesign.compiler.model.passes.weights import (
    RECURRENT,
    can_shift_columns,
    channel_vector,
    column_sum,
    input_axis,
    output_axis,
    scale_columns,
    scale_rows,
    shift_columns,
    shift_rows,
    weight_index,
)

_VIEWS = ("Reshape", "Squeeze", "Unsqueeze", "Flatten", "Transpose")
_MAX_ELEMENTS = 2**20
_MIN_RATIO = 1e-3
"""Of factors that something is divided by, against their largest."""
_MAX_PASSED = 64
"""Views and sums between a constant and its layer."""


def run(draft: Draft) -> bool:
    """Whether a product or sum was folded."""
    folding = _Folding(draft, draft.makers(), draft.readers())
    for node in draft.nodes:
        split = folding.operands(node)
        if split is not None and not (folding.merge(node, *split) or folding.backward(node, *split)):
            folding.forward(node, *split)
    return folding.finish()


@dataclass
class _Folding:
    """One go over a draft. A value takes part in one fold only; what that leaves is found in the next go."""

    draft: Draft
    makers: dict[str, onnx.NodeProto]
    readers: dict[str, list[onnx.NodeProto]]
    touched: set[str] = field(default_factory=set)
    renamed: dict[str, str] = field(default_factory=dict)
    new: dict[int, list[onnx.NodeProto]] = field(default_factory=dict)
    changed: bool = False

    def operands(self, node: onnx.NodeProto) -> tuple[str, Array] | None:
        """The computed and the constant operand of a float product or sum that keeps the shape of the computed one."""
        draft = self.draft
        if node.op_type not in ("Mul", "Add") or draft.types[node.output[0]].kind != onnx.TensorProto.FLOAT:
            return None
        for index in (0, 1):
            array, source = draft.constants.get(node.input[1 - index]), node.input[index]
            if array is None or source in draft.constants or source not in draft.types or not array.size:
                continue
            if draft.shape(source) == draft.shape(node.output[0]) and draft.types[source].size <= _MAX_ELEMENTS:
                return source, array.astype(np.float64)
        return None

    def merge(self, node: onnx.NodeProto, source: str, array: Array) -> bool:
        """(x + a) + b and (x · a) · b with one constant."""
        before = self.makers.get(source)
        inner = self.operands(before) if before is not None and before.op_type == node.op_type else None
        if before is None or inner is None or not self._alone(source) or not self._take([source, inner[0], node.output[0]]):
            return False
        joined = inner[1] + array if node.op_type == "Add" else inner[1] * array
        self._set_operands(node, inner[0], joined)
        self.new[id(before)] = []
        return True

    def backward(self, node: onnx.NodeProto, source: str, array: Array) -> bool:
        """Fold into the linear layer that makes what is multiplied or added to."""
        draft, value = self.draft, source
        passed: list[tuple[onnx.NodeProto, str, Array, Array]] = []
        path, full = [node.output[0]], np.broadcast_to(array, draft.shape(source))
        while True:
            maker = self.makers.get(value)
            if maker is None or not self._alone(value) or len(path) > _MAX_PASSED:
                return False
            path.append(value)
            if maker.op_type in _VIEWS:
                full, value = _before_view(draft, maker, full), maker.input[0]
            elif maker.op_type == "Add" and (inner := self.operands(maker)) is not None:
                passed.append((maker, *inner, full))
                value = inner[0]
            else:
                break
        if maker.op_type in RECURRENT or weight_index(draft, maker) is None:
            return False
        channel = channel_vector(full, output_axis(draft, maker))
        to_bias = node.op_type == "Add" and maker.op_type == "MatMul"
        if channel is None or (to_bias and not passed) or not self._take(path):
            return False
        if node.op_type == "Mul":
            scale_rows(draft, maker, channel)
            for between, inner_source, inner_array, factor in passed:
                self._set_operands(between, inner_source, np.broadcast_to(inner_array, factor.shape) * factor)
        elif to_bias:
            between, inner_source, inner_array, there = passed[-1]
            self._set_operands(between, inner_source, np.broadcast_to(inner_array, there.shape) + there)
        else:
            shift_rows(draft, maker, channel)
        self._drop(node, source)
        return True

    def forward(self, node: onnx.NodeProto, source: str, array: Array) -> bool:
        """Fold into the one layer that reads what is multiplied or added to."""
        draft, value = self.draft, node.output[0]
        if node.op_type == "Add" and self._is_bias(source):
            return False
        path, full = [source], np.broadcast_to(array, draft.shape(value))
        while True:
            if not self._alone(value) or len(path) > _MAX_PASSED:
                return False
            path.append(value)
            reader = self.readers[value][0]
            if reader.op_type not in _VIEWS or reader.input[0] != value:
                break
            full, value = _after_view(draft, reader, full), reader.output[0]
        index = weight_index(draft, reader)
        reads = 1 - index if index is not None and reader.op_type == "MatMul" else 0
        if index is None or list(reader.input).count(value) != 1 or reader.input[reads] != value:
            return False
        channel = channel_vector(full, input_axis(draft, reader))
        if channel is None or (reader.op_type in RECURRENT and attribute(reader, "layout", 0)):
            return False
        if node.op_type == "Add" and not can_shift_columns(reader):
            return self._factor_last(node, source, array)
        if not self._take([*path, *(name for name in reader.output if name)]):
            return False
        if node.op_type == "Mul":
            scale_columns(draft, reader, channel)
        elif reader.op_type == "MatMul":
            self._bias_after(reader, column_sum(draft, reader, channel))
        else:
            shift_columns(draft, reader, channel)
        self.new[id(node)] = []
        self.renamed[node.output[0]] = source
        return True

    def finish(self) -> bool:
        """Put everything in place; whether something changed."""
        self.draft.substitute(self.new)
        for node in self.draft.nodes:
            for index, name in enumerate(node.input):
                while name in self.renamed:
                    name = self.renamed[name]
                if node.input[index] != name:
                    node.input[index] = name
        return self.changed

    def _take(self, names: list[str]) -> bool:
        """Whether none of the values took part in a fold before; they do now."""
        if not self.touched.isdisjoint(names):
            return False
        self.touched.update(names)
        self.changed = True
        return True

    def _alone(self, name: str) -> bool:
        return len(self.readers.get(name, [])) == 1

    def _set_operands(self, node: onnx.NodeProto, source: str, array: Array) -> None:
        node.input[:] = [source, self.draft.constant(_thin(array).astype(np.float32), f"{node.output[0]}_operand")]

    def _drop(self, node: onnx.NodeProto, source: str) -> None:
        """Leave a node out, the only reader of its source."""
        result = node.output[0]
        self.new[id(node)] = []
        if result in self.draft.outputs:
            maker = self.makers[source]
            maker.output[:] = [result if name == source else name for name in maker.output]
        else:
            self.renamed[result] = source

    def _is_bias(self, source: str) -> bool:
        """Whether a sum with a constant is the bias of the linear layer before it, where it stays."""
        maker = self.makers.get(source)
        for _ in range(_MAX_PASSED):
            if maker is None or maker.op_type not in _VIEWS:
                break
            maker = self.makers.get(maker.input[0])
        return maker is not None and maker.op_type not in RECURRENT and weight_index(self.draft, maker) is not None

    def _factor_last(self, node: onnx.NodeProto, source: str, array: Array) -> bool:
        """Write x · a + b as (x + b / a) · a, so that the factor can go into the layer after it."""
        before = self.makers.get(source)
        inner = self.operands(before) if before is not None and before.op_type == "Mul" else None
        if before is None or inner is None or not self._alone(source):
            return False
        value, factor = inner
        if np.abs(factor).min() < _MIN_RATIO * np.abs(factor).max() or not self._take([value, source, node.output[0]]):
            return False
        before.op_type, node.op_type = "Add", "Mul"
        self._set_operands(before, value, array / factor)
        self._set_operands(node, source, factor)
        return True

    def _bias_after(self, node: onnx.NodeProto, bias: Array) -> None:
        """Add a bias to what a MatMul gives."""
        draft, result = self.draft, node.output[0]
        product = draft.fresh(f"{result}_product")
        shape = [-1 if axis == output_axis(draft, node) else 1 for axis in range(len(draft.shape(result)))]
        operand = draft.constant(bias.astype(np.float32).reshape(shape), f"{result}_bias")
        node.output[0] = product
        draft.types[product] = draft.types[result]
        self.new[id(node)] = [node, make("Add", [product, operand], [result], f"{node.name}_bias")]


def _permutation(draft: Draft, node: onnx.NodeProto) -> list[int]:
    return list(attribute(node, "perm", range(len(draft.shape(node.input[0])))[::-1]))


def _before_view(draft: Draft, node: onnx.NodeProto, array: Array) -> Array:
    """What stands at each element of a view's input."""
    if node.op_type == "Transpose":
        return np.transpose(array, np.argsort(_permutation(draft, node)))
    return array.reshape(draft.shape(node.input[0]))


def _after_view(draft: Draft, node: onnx.NodeProto, array: Array) -> Array:
    """What stands at each element of a view's output."""
    if node.op_type == "Transpose":
        return np.transpose(array, _permutation(draft, node))
    return array.reshape(draft.shape(node.output[0]))


def _thin(array: Array) -> Array:
    """The same with one element along axes on which nothing changes, to be broadcast again."""
    for axis in range(array.ndim):
        first = np.take(array, [0], axis)
        if (array == first).all():
            array = first
    return array

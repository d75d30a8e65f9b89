# SPDX-License-Identifier: Apache-2.0
"""Operators that read and write integers (onnxruntime's QOperator format) as operators of real numbers between
DequantizeLinear and QuantizeLinear. Integers called y are the real numbers called y/real.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import onnx

from codesign.compiler.model.passes.draft import Draft, attribute, make, operand

REAL = "/real"
_MOVED = ("Reshape", "Transpose", "Squeeze", "Unsqueeze", "Flatten", "Slice", "Split", "Gather", "Pad", "Identity", "MaxPool")
"""They take integers as they take real numbers, and change none."""
_RESULTS: Mapping[str, int] = {
    **dict.fromkeys(("QLinearAdd", "QLinearConv", "QLinearMatMul", "QLinearMul"), 6),
    **dict.fromkeys(("QGemm", "QLinearWhere"), 7),
    **dict.fromkeys(("QLinearAveragePool", "QLinearGlobalAveragePool", "QLinearLeakyRelu", "QLinearReduceMean"), 3),
    **dict.fromkeys(("QLinearSigmoid", "QLinearSoftmax"), 3),
    "QLinearConcat": 0,
}
"""The input that is the scale of what a node makes; its zero point comes next."""


@dataclass
class Rewriter:
    """Nodes as they grow; `scales` has (scale, zero point) of the integers that nodes so far make."""

    draft: Draft
    nodes: list[onnx.NodeProto] = field(default_factory=list)
    scales: dict[str, tuple[str, str]] = field(default_factory=dict)

    def add(self, node: onnx.NodeProto, kind: str, inputs: Sequence[str], outputs: Sequence[str], **attributes: Any) -> None:
        """A node in the place of `node`, and called as it is."""
        self.nodes.append(make(kind, inputs, outputs, str(node.name), **attributes))

    def value(self, node: onnx.NodeProto, kind: str, inputs: Sequence[str], base: str, **attributes: Any) -> str:
        """A node of one output; its name."""
        result = self.draft.fresh(base)
        self.nodes.append(make(kind, inputs, [result], f"{node.name}/{kind}", **attributes))
        return result

    def real(self, node: onnx.NodeProto, first: int, axis: int | None = None) -> str:
        """The real numbers of an input, its scale and its zero point, which are three inputs in a row."""
        source, *parameters = (operand(node, first + index) for index in range(3))
        options = {} if axis is None or not source else {"axis": axis}
        return self.value(node, "DequantizeLinear", _given([source, *parameters]), f"{source}/dequantized", **options)

    def bias(self, node: onnx.NodeProto, index: int, one: str, other: str) -> str:
        """A bias in int32, whose scale is the product of two."""
        source, parts = operand(node, index), [self.draft.constants.get(name) for name in (one, other)]
        if parts[0] is None or parts[1] is None:
            raise self.draft.refuse(node, f"the scale of bias '{source}' is computed, it must be constant")
        scale = self.draft.constant(np.atleast_1d(parts[0] * parts[1]), f"{source}/scale")
        return self.value(node, "DequantizeLinear", [source, scale], f"{source}/dequantized", axis=0)

    def quantize(self, node: onnx.NodeProto, result: str, scale: str, zero: str) -> None:
        """The integers `result` of the real numbers of that name."""
        self.scales[result] = (scale, zero)
        self.nodes.append(
            make("QuantizeLinear", _given([f"{result}{REAL}", scale, zero]), [result], f"{node.name}/QuantizeLinear")
        )

    def finish(self, node: onnx.NodeProto, kind: str, inputs: Sequence[str], **attributes: Any) -> None:
        """The real operator and its integers; without a scale it gives real numbers."""
        (result, *_), (scale, zero) = node.output, _parameters(node)
        self.add(node, kind, inputs, [f"{result}{REAL}" if scale else result], **attributes)
        if scale:
            self.quantize(node, str(result), scale, zero)


def run(draft: Draft) -> None:
    """Rewrite all of them.

    Raises:
        InputError: an attribute that has no counterpart.
    """
    rewriter = Rewriter(draft)
    for node in draft.nodes:
        if node.op_type in ("QuantizeLinear", "DequantizeLinear"):
            node.domain = ""
        if node.op_type == "QuantizeLinear":
            rewriter.scales[str(node.output[0])] = operand(node, 1), operand(node, 2)
        if node.op_type in OPERATORS:
            if attribute(node, "channels_last", 0):
                raise draft.refuse(node, "has its channels last", hint="quantize the network with its channels first")
            OPERATORS[node.op_type](rewriter, node)
        elif node.op_type in _MOVED and operand(node, 0) in rewriter.scales:
            _moved(rewriter, node)
        else:
            rewriter.nodes.append(node)
    draft.nodes[:] = rewriter.nodes


def _parameters(node: onnx.NodeProto) -> tuple[str, str]:
    """Scale and zero point of what a node makes."""
    first = _RESULTS[node.op_type]
    return operand(node, first), operand(node, first + 1)


def _moved(rewriter: Rewriter, node: onnx.NodeProto) -> None:
    scale, zero = rewriter.scales[node.input[0]]
    if node.op_type == "Pad" and operand(node, 2):
        node.input[2] = _padding(rewriter.draft, node, scale, zero)
    inputs = _given([node.input[0], scale, zero])
    node.input[0] = rewriter.value(node, "DequantizeLinear", inputs, f"{node.input[0]}/dequantized")
    results = [str(name) for name in node.output]
    node.output[:] = [f"{name}{REAL}" if name else "" for name in results]
    rewriter.nodes.append(node)
    for name in filter(None, results):
        rewriter.quantize(node, name, scale, zero)


def _padding(draft: Draft, node: onnx.NodeProto, scale: str, zero: str) -> str:
    """What integers are padded with, as a real number; "" for zeros."""
    integer, offset, factor = (draft.constants.get(name) for name in (operand(node, 2), zero, scale))
    if integer is None or factor is None or (zero and offset is None):
        raise draft.refuse(node, "pads with a computed number, or to a computed scale")
    steps = integer.astype(np.float64) - (0.0 if offset is None else offset.astype(np.float64))
    return draft.constant((steps * factor).astype(np.float32), f"{node.output[0]}/padding") if steps.any() else ""


def _matmul(rewriter: Rewriter, node: onnx.NodeProto) -> None:
    rewriter.finish(node, "MatMul", [rewriter.real(node, 0), rewriter.real(node, 3, axis=-1)])


def _gemm(rewriter: Rewriter, node: onnx.NodeProto) -> None:
    across = int(attribute(node, "transB", 0))
    inputs = [rewriter.real(node, 0), rewriter.real(node, 3, axis=1 - across)]
    if operand(node, 6):
        inputs.append(rewriter.bias(node, 6, node.input[1], node.input[4]))
    rewriter.finish(node, "Gemm", inputs, **_attributes(node))


def _conv(rewriter: Rewriter, node: onnx.NodeProto) -> None:
    inputs = [rewriter.real(node, 0), rewriter.real(node, 3, axis=0)]
    if operand(node, 8):
        inputs.append(rewriter.bias(node, 8, node.input[1], node.input[4]))
    rewriter.finish(node, "Conv", inputs, **_attributes(node))


def _two(kind: str) -> Callable[[Rewriter, onnx.NodeProto], None]:
    def rewrite(rewriter: Rewriter, node: onnx.NodeProto) -> None:
        rewriter.finish(node, kind, [rewriter.real(node, 0), rewriter.real(node, 3)])

    return rewrite


def _one(kind: str) -> Callable[[Rewriter, onnx.NodeProto], None]:
    def rewrite(rewriter: Rewriter, node: onnx.NodeProto) -> None:
        rewriter.finish(node, kind, [rewriter.real(node, 0)], **_attributes(node))

    return rewrite


def _mean(rewriter: Rewriter, node: onnx.NodeProto) -> None:
    options = _attributes(node)
    axes = options.pop("axes", None)
    inputs = [rewriter.real(node, 0)]
    if axes is not None:
        inputs.append(rewriter.value(node, "Constant", [], f"{node.output[0]}/axes", value_ints=axes))
    rewriter.finish(node, "ReduceMean", inputs, **options)


def _concat(rewriter: Rewriter, node: onnx.NodeProto) -> None:
    inputs = [rewriter.real(node, first) for first in range(2, len(node.input), 3)]
    rewriter.finish(node, "Concat", inputs, **_attributes(node))


def _where(rewriter: Rewriter, node: onnx.NodeProto) -> None:
    rewriter.finish(node, "Where", [node.input[0], rewriter.real(node, 1), rewriter.real(node, 4)])


def _attributes(node: onnx.NodeProto) -> dict[str, Any]:
    skipped = ("channels_last", "opset")
    return {a.name: onnx.helper.get_attribute_value(a) for a in node.attribute if a.name not in skipped}


def _given(names: Sequence[str]) -> list[str]:
    """Without optional inputs at the end that are left out."""
    kept = list(names)
    while kept and not kept[-1]:
        kept.pop()
    return kept


OPERATORS: Mapping[str, Callable[[Rewriter, onnx.NodeProto], None]] = {
    "QGemm": _gemm,
    "QLinearAdd": _two("Add"),
    "QLinearAveragePool": _one("AveragePool"),
    "QLinearConcat": _concat,
    "QLinearConv": _conv,
    "QLinearGlobalAveragePool": _one("GlobalAveragePool"),
    "QLinearLeakyRelu": _one("LeakyRelu"),
    "QLinearMatMul": _matmul,
    "QLinearMul": _two("Mul"),
    "QLinearReduceMean": _mean,
    "QLinearSigmoid": _one("Sigmoid"),
    "QLinearSoftmax": _one("Softmax"),
    "QLinearWhere": _where,
}

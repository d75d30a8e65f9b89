# SPDX-License-Identifier: Apache-2.0
"""A quantized network as the float network that it stands for: real weights, and values that nothing rounds."""

from __future__ import annotations

import numpy as np
import onnx

from codesign.compiler.model.limits import MAX_NODES
from codesign.compiler.model.passes.draft import Array, Draft, attribute, make, operand, positive
from codesign.compiler.model.passes.families import VIEWS
from codesign.compiler.model.passes.weights import RECURRENT

_LINEAR = ("Conv", "ConvTranspose", "Gemm", "MatMul")
_PAIR = ("QuantizeLinear", "DequantizeLinear")
_NEVER_NEGATIVE = (
    "Abs",
    "Clip",
    "Concat",
    "Exp",
    "HardSigmoid",
    "Max",
    "Relu",
    "Sigmoid",
    "Softmax",
    "Softplus",
    "Split",
    "Sqrt",
)


def run(draft: Draft) -> None:
    """Take every QuantizeLinear and DequantizeLinear out. Quantizers leave out activations that a range does: Clip takes their
    place.

    Raises:
        InputError: scales or zero points that do not fit their weights, or are no finite numbers.
    """
    ranges = _Ranges(draft)
    kept: list[onnx.NodeProto] = []
    for node in draft.nodes:
        if node.op_type == "DequantizeLinear" and (integers := draft.constants.get(node.input[0])) is not None:
            draft.put(str(node.output[0]), _real(draft, node, integers))
        elif node.op_type == "QuantizeLinear" and (bounds := ranges.of_activation(node)) is not None:
            inputs = [node.input[0], *(draft.constant(np.asarray(bound, np.float32), f"{node.name}/bound") for bound in bounds)]
            kept.append(make("Clip", inputs, node.output, node.name))
        elif node.op_type in ("QuantizeLinear", "DequantizeLinear"):
            kept.append(make("Identity", [node.input[0]], node.output, node.name))
        else:
            kept.append(node)
    draft.nodes[:] = kept


class _Ranges:
    """What the ranges of a draft's quantized values stand for."""

    def __init__(self, draft: Draft) -> None:
        self._constants, self._makers, self._readers = draft.constants, draft.makers(), draft.readers()

    def of_activation(self, node: onnx.NodeProto) -> tuple[float, float] | None:
        """The bounds of a QuantizeLinear in the place of an activation: one from 0 on, of what may be negative, or any between
        two linear layers, which would be one otherwise.
        """
        scale, zero = (self._constants.get(operand(node, index)) for index in (1, 2))
        if scale is None or scale.size != 1 or zero is None or zero.size != 1 or zero.dtype.kind not in "iu":
            return None
        maker, readers = self._maker(node.input[0]), self._kinds(node.output[0])
        if maker is None or (maker.op_type == "MatMul" and readers <= {"Add"}):
            return None  # the bias comes after it
        linear = maker.op_type in _LINEAR or (maker.op_type in ("Add", "Div", "Mul", "Sub") and self._reads_constant(maker))
        info, least = np.iinfo(zero.dtype), float(zero.reshape(())) * float(scale.reshape(()))
        bounds = float(info.min) * float(scale.reshape(())) - least, float(info.max) * float(scale.reshape(())) - least
        if bounds[0] == 0.0:
            return None if maker.op_type in _NEVER_NEGATIVE else bounds
        return bounds if linear and readers and readers <= {*_LINEAR, *RECURRENT} else None

    def _maker(self, name: str) -> onnx.NodeProto | None:
        """What computes a value, before views of it; None for inputs, constants and what has a range already."""
        maker = self._makers.get(name)
        for _ in range(MAX_NODES):
            if maker is None or maker.op_type not in (*VIEWS, "Identity", "Slice", "Gather", "Pad"):
                break
            maker = self._makers.get(maker.input[0])
        return None if maker is None or maker.op_type in _PAIR else maker

    def _reads_constant(self, node: onnx.NodeProto) -> bool:
        for name in node.input:
            maker = self._makers.get(name)
            for _ in _PAIR:  # constants may pass both
                if maker is not None and maker.op_type in _PAIR:
                    name = maker.input[0]
                    maker = self._makers.get(name)
            if name in self._constants:
                return True
        return False

    def _kinds(self, name: str) -> set[str]:
        """Kinds of the nodes that read a value, through views; "" for an output of the graph."""
        found, waiting, seen = set[str](), [name], {name}
        while waiting:
            for reader in self._readers.get(waiting.pop(), []):
                if reader.op_type in (*VIEWS, *_PAIR, "Identity"):
                    new = [output for output in reader.output if output not in seen]
                    seen.update(new)
                    waiting += new
                else:
                    found.add(reader.op_type)
        return found


def real_weights(integers: Array, scale: Array, zero: Array | None) -> Array:
    """Scale · (integers − zero), float32; scales and zero points broadcast."""
    offset = 0 if zero is None else zero.astype(np.float64)
    return np.asarray(((integers.astype(np.float64) - offset) * scale.astype(np.float64)).astype(np.float32))


def _real(draft: Draft, node: onnx.NodeProto, integers: Array) -> Array:
    scale, zero = (draft.constants.get(operand(node, index)) for index in (1, 2))
    if scale is None or (zero is None and operand(node, 2)):
        raise draft.refuse(node, "scale or zero point is computed, it must be constant")
    axis, block = positive(int(attribute(node, "axis", 1)), integers.ndim), int(attribute(node, "block_size", 0))
    spread = []
    for part in (scale, zero):
        if part is None or part.size == 1:
            spread.append(None if part is None else part.reshape(()))
        elif block and part.ndim == integers.ndim and axis < part.ndim:
            spread.append(np.repeat(part, block, axis).take(np.arange(integers.shape[axis]), axis))
        elif part.ndim == 1 and axis < integers.ndim and part.size == integers.shape[axis]:
            spread.append(part.reshape([-1 if d == axis else 1 for d in range(integers.ndim)]))
        else:
            raise draft.refuse(node, f"scales or zero points of shape {list(part.shape)} do not fit '{node.input[0]}'")
    assert spread[0] is not None, "there is a scale"
    real = real_weights(integers, spread[0], spread[1])
    if not np.isfinite(real).all():
        raise draft.refuse(node, f"scale of '{node.input[0]}' gives no finite numbers")
    return real

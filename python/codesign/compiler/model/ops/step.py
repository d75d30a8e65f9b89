# SPDX-License-Identifier: Apache-2.0
"""One ONNX node on its way to a term, and what all operators need."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx

from codesign.base.errors import InputError, one_line
from codesign.compiler.lower.constants import QUANTIZE_HINT
from codesign.compiler.lower.convolution import Rounding
from codesign.compiler.model.graph import Matrix, Quant
from codesign.compiler.model.hints import TABLE_HINT
from codesign.compiler.model.limits import MAX_WORK, ROUNDING, TOO_LARGE
from codesign.compiler.model.terms import Call, Constant, Operation, Term
from codesign.compiler.operators.operator import Operator, Shape

MAX_WEIGHT = 1e6


@dataclass
class Build:
    """Terms of a graph as they grow. `quants` are by the name of the term, `types` by that of the tensor. `readers`: how often
    each tensor is read, as an output of the graph too.

    `names` are those of all tensors of the file, `work` the elements of all terms so far. `tflite` as in Graph.
    """

    path: Path
    names: frozenset[str]
    readers: Mapping[str, int] = field(default_factory=dict)
    types: dict[str, onnx.TypeProto] = field(default_factory=dict)
    terms: dict[str, Term] = field(default_factory=dict)
    quants: dict[str, Quant] = field(default_factory=dict)
    quantized: dict[str, tuple[Term, Quant]] = field(default_factory=dict)
    viewed_quants: dict[str, Quant] = field(default_factory=dict)
    work: int = 0
    tflite: bool = False
    skipped: list[Step] = field(default_factory=list)
    """Nodes that no layer computes, where they are left out."""


@dataclass(frozen=True)
class Step:
    """A node with its build."""

    build: Build
    node: onnx.NodeProto

    @property
    def label(self) -> str:
        """How errors name the node."""
        name = self.node.name or next(iter(self.node.output), "?")
        return one_line(f"{self.build.path}: node '{name}' ({self.node.op_type})", 200)

    def refuse(self, message: str, hint: str = TABLE_HINT) -> InputError:
        """The error for something in this node."""
        return InputError(f"{self.label}: {message}", hint=hint)

    @property
    def rounding(self) -> Rounding:
        """How the file's own kernel rounds results, as metadata of the node says it."""
        said = next((entry.value for entry in self.node.metadata_props if entry.key == ROUNDING), "once")
        match said:
            case "once" | "twice" | "reduced":
                return said
        raise self.refuse(f"metadata {ROUNDING} is {one_line(str(said), 40)}", hint="leave it out")

    def attribute(self, name: str, default: Any = None) -> Any:
        """Value of an attribute."""
        for attribute in self.node.attribute:
            if attribute.name == name:
                return onnx.helper.get_attribute_value(attribute)
        return default

    def has(self, index: int) -> bool:
        """Whether an optional input is given."""
        return index < len(self.node.input) and self.node.input[index] != ""

    def term(self, index: int) -> Term:
        """The term of an input."""
        name = self.node.input[index] if index < len(self.node.input) else ""
        if name not in self.build.terms:
            raise self.refuse(f"input {index} '{name}' is not a value that it can read")
        return self.build.terms[name]

    def constant(self, index: int, what: str) -> Constant:
        """An input that must be known from the file."""
        term = self.term(index)
        if not isinstance(term, Constant):
            raise self.refuse(f"{what} is computed, it must be constant")
        return term

    def scalar(self, index: int, what: str) -> float:
        """A constant of one element."""
        values = self.constant(index, what).values
        if values.size != 1:
            raise self.refuse(f"{what} has {values.size} elements, one is expected")
        return float(values.ravel()[0])

    def shape(self, name: str) -> tuple[int, ...]:
        """Inferred shape of a tensor."""
        if name not in self.build.types:
            raise self.refuse(f"the shape of '{name}' cannot be inferred", hint="give the graph's inputs fixed shapes")
        return tuple(d.dim_value for d in self.build.types[name].tensor_type.shape.dim)

    def output_shape(self, index: int = 0) -> Shape:
        """Shape of an output, without the batch; (n,) for a vector however it is written."""
        return without_batch(self.shape(self.node.output[index]))

    def operate(self, operator: Operator, *sources: Term) -> None:
        """Bind the node's outputs to those of an operator over `sources`; whatever `operator` itself is wired to."""
        if any(isinstance(source, Constant) for source in sources):
            raise self.refuse("reads a constant where a computed value is expected")
        call = Call(operator, list(sources), [])
        for index in range(len(operator.outputs)):
            given = index < len(self.node.output) and self.node.output[index] != ""
            name, shape = (self.name(index), self.output_shape(index)) if given else (f"{self.display}:{index}", (1,))
            call.results.append(Operation(name, shape, self.display, call=call, index=index))
            if given:
                self.give(call.results[-1], index)

    def size(self, index: int = 0) -> int:
        """Elements of an output, which must be a vector."""
        shape = self.shape(self.node.output[index])
        if sum(d != 1 for d in shape) > 1:
            raise self.refuse(
                f"output of shape {list(shape)} is no vector", hint="a model is one time step, docs/model-file.md"
            )
        return math.prod(shape)

    def name(self, index: int = 0) -> str:
        """Name of an output tensor."""
        return str(self.node.output[index])

    @property
    def display(self) -> str:
        """What an operator made of this node is called after."""
        return str(self.node.name or self.node.output[0])

    def give(self, term: Term, index: int = 0) -> None:
        """Bind an output to a term."""
        if self.build.terms.get(self.name(index)) is not term:
            self.build.work += term.elements
        if self.build.work > MAX_WORK:
            raise self.refuse(f"constants and matrices have more than {MAX_WORK:,} elements by here", hint=TOO_LARGE)
        self.build.terms[self.name(index)] = term


def without_batch(dims: Sequence[int]) -> Shape:
    """A tensor's shape as a graph has it: (n,) for a vector, else without the batch of one in front."""
    if sum(d != 1 for d in dims) <= 1:
        return (math.prod(dims),)
    return tuple(dims[1:]) if dims[0] == 1 else tuple(dims)


def check_magnitude(step: Step, constant: Constant) -> None:
    """Refuse weights and biases that no trained network has.

    Raises:
        InputError: an element beyond ±MAX_WEIGHT.
    """
    largest = float(np.abs(constant.values).max(initial=0.0))
    if largest > MAX_WEIGHT:
        raise step.refuse(
            f"'{constant.name}' holds values up to {largest:g}", hint=f"weights and biases are within ±{MAX_WEIGHT:g}"
        )


def matrix_of(step: Step, constant: Constant, values: npt.NDArray[np.float64], transpose: bool) -> Matrix:
    """A weight matrix (outputs, inputs) from a constant of two dimensions, `values` being the constant's or a view of them:
    (inputs, outputs) with `transpose`.

    Raises:
        InputError: dimensions, or scales that differ inside a row.
    """
    if values.ndim != 2:
        raise step.refuse(f"weights '{constant.name}' have {values.ndim} dimensions, two are expected")
    if constant.dtype not in (np.float32, np.int8):
        if constant.scale is not None:  # integers, less their zero point
            raise step.refuse(f"weights '{constant.name}' are more than 127 steps from their zero point", hint=QUANTIZE_HINT)
        raise step.refuse(f"weights '{constant.name}' are {constant.dtype}, they must be float32 or int8 with DequantizeLinear")
    check_magnitude(step, constant)

    def oriented(array: npt.NDArray[Any]) -> npt.NDArray[Any]:
        array = array.reshape(values.shape)
        return np.ascontiguousarray(array.T if transpose else array)

    real = oriented(values).astype(np.float32)
    if constant.quantized is None or constant.scale is None:
        return Matrix(real)
    scale = oriented(constant.scale)
    if (scale != scale[:, :1]).any():
        raise step.refuse(
            f"weights '{constant.name}' have several scales inside one output row",
            hint=f"quantize per tensor or per output channel: {QUANTIZE_HINT}",
        )
    return Matrix(real, oriented(constant.quantized).astype(np.int8), scale[:, 0].copy())

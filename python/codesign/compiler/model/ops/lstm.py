# SPDX-License-Identifier: Apache-2.0
"""The LSTM operator: one step, forward, standard activations."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from codesign.compiler.model.graph import Matrix
from codesign.compiler.model.ops.step import Step, check_magnitude, matrix_of
from codesign.compiler.model.terms import Constant, LstmOperator, rows_of, stacked

_ONNX_ORDER = ("input", "output", "forget", "cell")
_OUR_ORDER = ("input", "forget", "cell", "output")


def lstm(step: Step) -> None:
    """LSTM with sequence length 1."""
    for name, wanted in (("direction", b"forward"), ("input_forget", 0)):
        if step.attribute(name, wanted) != wanted:
            raise step.refuse(f"{name} must be {wanted.decode() if isinstance(wanted, bytes) else wanted}")
    if step.attribute("clip") is not None or step.has(7):
        raise step.refuse("clip and peepholes are not supported")
    activations = [a.lower() for a in step.attribute("activations", [])]
    if activations not in ([], [b"sigmoid", b"tanh", b"tanh"]):
        raise step.refuse("activations must be Sigmoid, Tanh, Tanh")
    shape = step.shape(step.node.input[0])
    if len(shape) != 3 or shape[0] != 1 or shape[1] != 1:
        raise step.refuse(f"X of shape {list(shape)}: sequence length and batch must be 1", hint="export one time step")
    if step.has(4) and (step.constant(4, "sequence_lens").values != 1).any():
        raise step.refuse("sequence_lens must be 1", hint="export one time step")
    if not (step.has(5) and step.has(6)):
        raise step.refuse("initial_h and initial_c must be given: they are the states", hint="docs/model-file.md")
    source, hidden, cell = step.term(0), step.term(5), step.term(6)
    units = int(step.attribute("hidden_size", 0)) or hidden.size
    if (hidden.size, cell.size) != (units, units):
        raise step.refuse(f"{units} units meet states of {hidden.size} and {cell.size} elements")
    input_weight, recurrent_weight = (_gates(step, step.constant(i, name), units) for i, name in ((1, "W"), (2, "R")))
    if input_weight.values.shape[1] != source.size or recurrent_weight.values.shape[1] != units:
        raise step.refuse(f"weights of {input_weight.values.shape[1]} inputs meet a vector of {source.size}")
    bias = _bias(step, units)
    key = next(str(name) for name in step.node.output if name)
    for index, is_cell in ((0, False), (1, False), (2, True)):
        if index < len(step.node.output) and step.node.output[index]:
            # Y and Y_h are one value, and have one name
            name = step.name(2) if is_cell else next(str(n) for n in reversed(step.node.output[:2]) if n)
            known = step.build.terms.get(name)
            term = known or LstmOperator(
                name,
                units,
                step.display,
                key=key,
                is_cell=is_cell,
                source=source,
                hidden=hidden,
                cell=cell,
                input_weight=input_weight,
                recurrent_weight=recurrent_weight,
                bias=bias,
            )
            step.build.terms[name] = term
            step.give(term, index)


def _gates(step: Step, constant: Constant, units: int) -> Matrix:
    values = constant.values
    if values.ndim != 3 or values.shape[0] != 1 or values.shape[1] != 4 * units:
        raise step.refuse(f"weights '{constant.name}' have shape {list(values.shape)}, [1, {4 * units}, …] is expected")
    matrix = matrix_of(step, constant, values[0], transpose=False)
    order = [_ONNX_ORDER.index(gate) for gate in _OUR_ORDER]
    return stacked([rows_of(matrix, slice(k * units, (k + 1) * units)) for k in order])


def _bias(step: Step, units: int) -> npt.NDArray[Any]:
    if not step.has(3):
        return np.zeros(4 * units)
    constant = step.constant(3, "B")
    check_magnitude(step, constant)
    values = constant.values.ravel()
    if constant.values.shape != (1, 8 * units):
        raise step.refuse(f"B has shape {list(constant.values.shape)}, [1, {8 * units}] is expected")
    total = values[: 4 * units] + values[4 * units :]
    return np.concatenate([total[k * units : (k + 1) * units] for k in (_ONNX_ORDER.index(gate) for gate in _OUR_ORDER)])

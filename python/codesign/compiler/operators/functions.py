# SPDX-License-Identifier: Apache-2.0
"""Functions of one real number that a network may hold, as ONNX defines them.

Every one of them becomes a table of 256 integers where nothing cheaper computes it, so that a new one is one more entry here.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from codesign.compiler.operators.operator import Real
from codesign.compiler.operators.rounding import sigmoid

Parameters = tuple[float, ...]


@dataclass(frozen=True)
class Function:
    """A function by its ONNX operator.

    `of` computes it in float64 from numbers and its parameters. These are the operator's `attributes` with the values that ONNX
    gives them by default, or, with `constant`, its second input, one number. `low` … `high` are the numbers that it can be.
    """

    operator: str
    of: Callable[[Real, Parameters], Real]
    low: float = -math.inf
    high: float = math.inf
    attributes: Mapping[str, float] | None = None
    constant: bool = False
    homogeneous: bool = False
    """f(s · x) = s · f(x) for every s > 0."""


def _erf(x: Real) -> Real:
    return np.array([math.erf(v) for v in x.ravel().tolist()], np.float64).reshape(x.shape)


def _elu(x: Real, alpha: float) -> Real:
    return np.where(x > 0.0, x, alpha * np.expm1(np.minimum(x, 0.0)))


def _selu(x: Real, p: Parameters) -> Real:
    return p[1] * _elu(x, p[0])


def _softplus(x: Real) -> Real:
    return np.logaddexp(x, 0.0)


def _leaky(x: Real, p: Parameters) -> Real:
    return np.where(x < 0.0, p[0] * x, x)


def _shrink(x: Real, p: Parameters) -> Real:
    return np.where(x < -p[1], x + p[0], np.where(x > p[1], x - p[0], 0.0))


def _hard_sigmoid(x: Real, p: Parameters) -> Real:
    return np.clip(p[0] * x + p[1], 0.0, 1.0)


FUNCTIONS: Mapping[str, Function] = {
    "abs": Function("Abs", lambda x, _: np.abs(x), 0.0, homogeneous=True),
    "asinh": Function("Asinh", lambda x, _: np.arcsinh(x)),
    "atan": Function("Atan", lambda x, _: np.arctan(x), -1.58, 1.58),
    "ceil": Function("Ceil", lambda x, _: np.ceil(x)),
    "celu": Function("Celu", lambda x, p: np.maximum(x, 0.0) + np.minimum(p[0] * np.expm1(np.minimum(x, 0.0) / p[0]), 0.0),
                     attributes={"alpha": 1.0}),
    "cos": Function("Cos", lambda x, _: np.cos(x), -1.0, 1.0),
    "cosh": Function("Cosh", lambda x, _: np.cosh(x), 1.0),
    "elu": Function("Elu", lambda x, p: _elu(x, p[0]), attributes={"alpha": 1.0}),
    "erf": Function("Erf", lambda x, _: _erf(x), -1.0, 1.0),
    "exp": Function("Exp", lambda x, _: np.exp(x), 0.0),
    "floor": Function("Floor", lambda x, _: np.floor(x)),
    "gelu": Function("Gelu", lambda x, _: 0.5 * x * (1.0 + _erf(x / math.sqrt(2.0))), -0.17),
    "hardsigmoid": Function("HardSigmoid", _hard_sigmoid, 0.0, 1.0, attributes={"alpha": 0.2, "beta": 0.5}),
    "hardswish": Function("HardSwish", lambda x, _: x * np.clip(x / 6.0 + 0.5, 0.0, 1.0), -0.375),
    "leakyrelu": Function("LeakyRelu", _leaky, attributes={"alpha": 0.01}, homogeneous=True),
    "log": Function("Log", lambda x, _: np.log(x)),
    "mish": Function("Mish", lambda x, _: x * np.tanh(_softplus(x)), -0.309),
    "neg": Function("Neg", lambda x, _: -x, homogeneous=True),
    "pow": Function("Pow", lambda x, p: np.power(x, p[0]), constant=True),
    "prelu": Function("PRelu", _leaky, constant=True, homogeneous=True),
    "reciprocal": Function("Reciprocal", lambda x, _: 1.0 / x),
    "relu": Function("Relu", lambda x, _: np.maximum(x, 0.0), 0.0, homogeneous=True),
    "round": Function("Round", lambda x, _: np.rint(x)),
    "selu": Function("Selu", _selu, attributes={"alpha": 1.67326319217681884765625, "gamma": 1.05070102214813232421875}),
    "shrink": Function("Shrink", _shrink, attributes={"bias": 0.0, "lambd": 0.5}),
    "sigmoid": Function("Sigmoid", lambda x, _: sigmoid(x), 0.0, 1.0),
    "sign": Function("Sign", lambda x, _: np.sign(x), -1.0, 1.0),
    "silu": Function("", lambda x, _: x * sigmoid(x), -0.279),  # ONNX has it from opset 24 on: Mul and Sigmoid before
    "sin": Function("Sin", lambda x, _: np.sin(x), -1.0, 1.0),
    "sinh": Function("Sinh", lambda x, _: np.sinh(x)),
    "softplus": Function("Softplus", lambda x, _: _softplus(x), 0.0),
    "softsign": Function("Softsign", lambda x, _: x / (1.0 + np.abs(x)), -1.0, 1.0),
    "sqrt": Function("Sqrt", lambda x, _: np.sqrt(x), 0.0),
    "tanh": Function("Tanh", lambda x, _: np.tanh(x), -1.0, 1.0),
    "thresholdedrelu": Function("ThresholdedRelu", lambda x, p: np.where(x > p[0], x, 0.0), attributes={"alpha": 1.0}),
}  # fmt: skip
"""By the name that reports give them; clip, whose bounds may be absent, is the activation's own."""

JUMPS = frozenset(("ceil", "floor", "round", "shrink", "sign", "thresholdedrelu"))
"""Those whose tables of int16 smear a jump over the distance of two samples."""

# SPDX-License-Identifier: Apache-2.0
"""Operators: each module turns nodes of some types into terms. docs/operators.md shows `OPERATORS`."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from codesign.compiler.model.ops import (
    activation,
    arithmetic,
    choice,
    convolution,
    layout,
    linear,
    magnitude,
    quantization,
    recurrent,
    reductions,
    view,
)
from codesign.compiler.model.ops.step import Step

Builder = Callable[[Step], None]

OPERATORS: Mapping[str, tuple[Builder, str]] = {
    **activation.OPERATORS,
    **arithmetic.OPERATORS,
    **choice.OPERATORS,
    **convolution.OPERATORS,
    **layout.OPERATORS,
    **linear.OPERATORS,
    **magnitude.OPERATORS,
    **quantization.OPERATORS,
    **recurrent.OPERATORS,
    **reductions.OPERATORS,
    **view.OPERATORS,
}

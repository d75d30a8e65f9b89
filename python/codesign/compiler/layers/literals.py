# SPDX-License-Identifier: Apache-2.0
"""Numbers as C text, without loss."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import numpy.typing as npt

from codesign.base.errors import InputError

WIDTH = 116


def float_literal(value: float) -> str:
    """The float32 nearest to `value` as a hexadecimal constant (C11 6.4.4.2), exact.

    Raises:
        InputError: it is not finite.
    """
    with np.errstate(over="ignore"):  # too large becomes infinite, which is refused below
        single = float(np.float32(value))
    if not np.isfinite(single):
        raise InputError(f"emit: {value} is not a finite float32")
    return f"{single.hex()}f"


def literals(values: npt.NDArray[Any]) -> str:
    """The elements of an array of any shape in row-major order, comma-separated and wrapped, for an initializer."""
    flat = values.ravel()
    if flat.dtype.kind == "f":
        return _wrapped(float_literal(v) for v in flat.tolist())
    if flat.dtype == np.uint32:
        return _wrapped(f"0x{v:08x}" for v in flat.tolist())
    if flat.dtype == np.int32:  # INT32_MIN is not a literal in C
        return _wrapped("INT32_MIN" if v == -(2**31) else str(v) for v in flat.tolist())
    return _wrapped(str(v) for v in flat.tolist())


def _wrapped(tokens: Iterable[str]) -> str:
    lines, line = [], ""
    for token in tokens:
        if line and len(line) + len(token) + 2 > WIDTH:
            lines.append(line)
            line = ""
        line = f"{line} {token}," if line else f"{token},"
    lines.append(line)
    return "\n    ".join(lines)

# SPDX-License-Identifier: Apache-2.0
"""Gates of recurrent layers: multipliers, shifts and biases of their pre-activations in Q3.12 (docs/numerics.md)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from codesign.base.errors import InputError
from codesign.compiler.layers import Value
from codesign.compiler.lower.constants import QUANTIZE_HINT, rne
from codesign.compiler.lower.rows import Rows

MULTIPLIER_LIMIT, LAST_LIMIT = 2**30, 2**31 - 1
"""Of a multiplier with any shift; with a shift of 1, below which there is none."""


@dataclass(frozen=True)
class GateProduct:
    """One product of a gate: int8 weights (units, columns) of one scale, times `source`, plus real `bias` (units,)."""

    weights: npt.NDArray[np.int8]
    scale: float
    source: Value
    bias: npt.NDArray[np.float64]
    halved: bool = False
    """The product is multiplied by a number below 1 of 15 bits, as ⌊v·r·2^16 / 2^32⌋, and needs one bit more."""

    @property
    def factor(self) -> int:
        """What the kernels multiply the sum with."""
        return 256 if self.source.dtype == "int8" else 1


def products_of(name: str, rows: Rows, source: Value, bias: npt.NDArray[np.float64], gates: int) -> list[GateProduct]:
    """One product a gate from the rows of all gates, one after the other, with their real biases `bias` (rows,).

    Raises InputError when a gate's rows differ in their scales, or hold −128, or could leave the kernels' sums.
    """
    units, products = len(rows.weights) // gates, []
    for k in range(gates):
        of_gate = slice(k * units, (k + 1) * units)
        weights, scales = rows.weights[of_gate], rows.scales[of_gate]
        used = np.any(weights != 0, axis=1)
        if len(set(scales[used].tolist())) > 1:
            raise InputError(f"{name}: gate {k} has several scales, the kernel has one a gate", hint=QUANTIZE_HINT)
        largest = int(np.abs(weights.astype(np.int64)).sum(axis=1).max(initial=0)) * -source.low
        if weights.min(initial=0) < -127 or largest >= (2**23 if source.dtype == "int8" else 2**31):
            raise InputError(f"{name}: gate {k}: a sum reaches {largest}, or a weight is −128", hint="split the layer")
        scale = float(scales[used][0]) if used.any() else 0.0
        products.append(GateProduct(weights, scale, source, bias[of_gate]))
    return products


@dataclass(frozen=True)
class GateNumbers:
    """Of one gate: a multiplier and biases int32 (units,) for each of its products, and the shift that both have."""

    multipliers: tuple[int, ...]
    biases: tuple[npt.NDArray[np.int32], ...]
    shift: int


def gate_numbers(where: str, products: Sequence[GateProduct]) -> GateNumbers:
    """The largest shift in 1…16 with which all multipliers stay ≤ 2^30, with 1 below 2^31, and every sum below 2^31.
    Terms that are not halved share the first one's bias, which holds the rounding of the gate's shift.

    Raises InputError when there is none.
    """
    for shift in range(16, 0, -1):
        if (found := _with_shift(products, shift)) is not None:
            return found
    scales = ", ".join(f"{product.source.scale * product.scale:g}" for product in products)
    largest = max(float(np.abs(product.bias).max(initial=0.0)) for product in products)
    raise InputError(
        f"{where}: the pre-activation could overflow: scales {scales} a weight step, bias {largest:g}", hint=QUANTIZE_HINT
    )


def _with_shift(products: Sequence[GateProduct], shift: int) -> GateNumbers | None:
    units = len(products[0].bias)
    multipliers, biases = [], [np.zeros(units, object) for _ in products]
    biases[0] += 1 << (shift - 1)
    total = np.zeros(units, object)
    for i, product in enumerate(products):
        extra = int(product.halved)
        multiplier = rne(
            math.ldexp(product.source.scale * product.scale, 44 - (8 if product.factor == 256 else 0) + shift + extra)
        )
        if multiplier > (LAST_LIMIT if shift == 1 else MULTIPLIER_LIMIT):
            return None
        multipliers.append(multiplier)
        weights = product.weights.astype(object) if product.weights.size else np.zeros((units, 1), object)
        folded = -product.source.zero_point * weights.sum(axis=1) * multiplier * product.factor
        own = biases[i if product.halved else 0]
        real = [rne(math.ldexp(float(b), 12 + shift + extra)) for b in product.bias]
        own += [r + ((int(f) + (1 << 31)) >> 32) for r, f in zip(real, folded, strict=True)]
        reach = (abs(weights).sum(axis=1) * -product.source.low * product.factor * multiplier >> 32) + 2
        if product.halved:
            if any(abs(b) + r >= 2**31 for b, r in zip(own, reach, strict=True)):
                return None
            reach = (reach + abs(own)) // 2 + 1
        total = total + reach
    if any(abs(b) + r >= 2**31 for b, r in zip(biases[0], total, strict=True)):
        return None
    return GateNumbers(tuple(multipliers), tuple(b.astype(np.int32) for b in biases), shift)


def hidden_scale(name: str, hidden: Value, highest: int) -> tuple[int, int]:
    """(M, s): M = rne(2^(s+1) / s_h) ≤ 2^30 with the largest s in 1…highest.

    Raises InputError where no s serves.
    """
    for shift in range(highest, 0, -1):
        if 0 < (multiplier := rne(2.0 ** (shift + 1) / hidden.scale)) <= MULTIPLIER_LIMIT:
            return multiplier, shift
    raise InputError(f"{name}: scale {hidden.scale:g} of hidden state '{hidden.name}' cannot be used", hint=QUANTIZE_HINT)


def interleaved(parts: Sequence[npt.NDArray[np.int8]]) -> npt.NDArray[np.int8]:
    """Rows (units, columns) of each gate side by side, (gates · units, columns): row len(parts)·u + k is row u of part k."""
    return np.ascontiguousarray(np.stack(parts, axis=1)).reshape(-1, parts[0].shape[1])


def check_shapes(name: str, source: Value, hidden: Value, inputs: Rows, recurrent: Rows, gates: int, positions: int) -> None:
    """Raise InputError unless weights of `gates` gates fit the values, and int16 ones have no zero point."""
    rows, columns = inputs.weights.shape
    units = rows // gates
    if source.size != positions * columns or hidden.size != positions * units or recurrent.weights.shape != (rows, units):
        raise InputError(f"{name}: weights of {columns} → {units} at {positions} positions do not fit {source.size} elements")
    if any(value.zero_point for value in (source, hidden) if value.dtype == "int16"):
        raise InputError(f"{name}: int16 values have zero point 0")

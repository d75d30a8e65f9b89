# SPDX-License-Identifier: Apache-2.0
"""Means, magnitudes and normalizations → Mean, Magnitude, Normalize."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from codesign.base.errors import InputError
from codesign.compiler.layers import Value
from codesign.compiler.layers.magnitude import Magnitude
from codesign.compiler.layers.mean import Mean
from codesign.compiler.layers.normalize import Normalize
from codesign.compiler.lower.constants import QUANTIZE_HINT, quantized_multiplier, rne
from codesign.compiler.lower.rows import limits

if TYPE_CHECKING:
    from codesign.compiler.lower.context import Context
    from codesign.compiler.operators.mean import Mean as MeanOperator
    from codesign.compiler.operators.normalize import Normalize as NormalizeOperator

LARGEST_NORM = 4096
"""Elements of a normalization: beyond it the deviations leave 32 bits."""


def lower_mean(context: Context, op: MeanOperator) -> None:
    """Append the layer of `op`."""
    source, shape = context.source(op.name, op.source), context.graph.shapes[op.source]
    output = context.add_value(op.output, context.known_quant(op.name, op.output))
    context.layers.append(mean_of(op.name, source, shape, op.axes, output, squares=op.squares))


def lower_normalize(context: Context, op: NormalizeOperator) -> None:
    """Append the layer of `op`."""
    source = context.source(op.name, op.source)
    output = context.add_value(op.output, context.known_quant(op.name, op.output))
    context.layers.append(normalize_of(op.name, source, output, op.gain.ravel(), op.bias.ravel(), op.epsilon))


def mean_of(
    name: str, source: Value, shape: Sequence[int], axes: Sequence[int], output: Value, *, squares: bool = False
) -> Mean:
    """The mean, or mean of squares, of `source`, row-major of `shape`, over `axes`, which must follow one another.

    Raises InputError for axes that do not, sizes that do not fit, and sums or scales that could overflow.
    """
    chosen = sorted({axis % len(shape) for axis in axes})
    if not chosen or chosen != list(range(chosen[0], chosen[-1] + 1)):
        raise InputError(f"{name}: the axes {list(axes)} of a mean must follow one another")
    first, last = chosen[0], chosen[-1] + 1
    outer, n, inner = (math.prod(part) for part in (shape[:first], shape[first:last], shape[last:]))
    if outer * n * inner != source.size or outer * inner != output.size:
        raise InputError(f"{name}: a mean of {list(shape)} over {list(axes)} does not give {output.size} elements")
    reach = source.span
    largest = n * (reach * reach if squares else reach)
    down = max(largest.bit_length() - 31, 0) if squares else 0
    ratio = (source.scale**2 * 2.0**down if squares else source.scale) / (n * output.scale)
    if largest >> down >= 2**31 or down > 31 or not math.isfinite(ratio) or not (largest >> down) * ratio < 2**28:
        raise InputError(f"{name}: the mean of {n} elements could overflow at scale {output.scale:g}", hint=QUANTIZE_HINT)
    multiplier, shift = quantized_multiplier(ratio)
    if output.full and not squares:  # the number of elements joins the multiplier, as in TFLite
        multiplier, shift = quantized_multiplier(source.scale / output.scale)
        more = min(n.bit_length() - 1, 32, 31 + shift)
        multiplier, shift = (multiplier << more) // n, shift - more
    low, high = limits(output)
    return Mean(
        name=name,
        source=source.name,
        output=output.name,
        outer=outer,
        n=n,
        inner=inner,
        multiplier=multiplier,
        shift=shift,
        zero_point_in=source.zero_point,
        zero_point=output.zero_point,
        low=low,
        high=high,
        wide_in=source.dtype == "int16",
        wide=output.dtype == "int16",
        squares=squares,
        down=down,
        twice=output.full and not squares,
    )


def magnitude_of(name: str, re: Value, im: Value, output: Value) -> Magnitude:
    """√(re² + im²) of two int16 values with one scale. Raises InputError for others, and for an output scale out of reach."""
    values = (re, im, output)
    if any(v.dtype != "int16" or v.zero_point or v.size != re.size for v in values) or re.scale != im.scale:
        raise InputError(f"{name}: a magnitude takes two int16 values of one size and scale, zero point 0")
    multiplier, shift = quantized_multiplier(re.scale / output.scale)
    if not -5 <= shift <= 9:
        raise InputError(f"{name}: scale {output.scale:g} of '{output.name}' is too far from {re.scale:g}", hint=QUANTIZE_HINT)
    return Magnitude(name, re.name, im.name, output.name, multiplier, shift)


def normalize_of(
    name: str,
    source: Value,
    output: Value,
    gain: npt.NDArray[np.float64],
    bias: npt.NDArray[np.float64],
    epsilon: float,
) -> Normalize:
    """Gain · (x − mean) / √(variance + epsilon) + bias over runs of n elements, as many as `gain` and `bias` (n,) have; the
    variance is divided by their number.

    Raises InputError for sizes that do not fit, more than 4096 elements, and numbers out of reach.
    """
    n = gain.size
    if n == 0 or n > LARGEST_NORM or source.size % n or source.size != output.size or bias.size != n:
        raise InputError(f"{name}: normalization of {n} of {source.size} elements; it takes 1…{LARGEST_NORM} that divide them")
    steps, offsets = gain.reshape(-1) / output.scale, bias.reshape(-1) / output.scale + output.zero_point
    if not (np.isfinite(steps).all() and np.isfinite(offsets).all() and 0 <= epsilon < math.inf):
        raise InputError(f"{name}: gain, bias and epsilon must be finite numbers")
    bits = min(30 - math.frexp(float(np.abs(steps).max()))[1] - 7, 20)
    bits = min(bits, 29 - math.frexp(float(np.abs(offsets).max()) + 1.0)[1])
    scaled_epsilon = rne(epsilon * n * n / source.scale**2)
    if bits < 1 or scaled_epsilon >= 2**62:
        raise InputError(f"{name}: gain, bias or epsilon are too large for the scales", hint=QUANTIZE_HINT)
    low, high = limits(output)
    return Normalize(
        name=name,
        source=source.name,
        output=output.name,
        rows=source.size // n,
        gain=np.rint(steps * 2.0 ** (bits + 7)).astype(np.int32),
        bias=(np.rint(offsets * 2.0**bits) + 2.0 ** (bits - 1)).astype(np.int32),
        epsilon=scaled_epsilon,
        gain_bits=bits,
        low=low,
        high=high,
        wide_in=source.dtype == "int16",
        wide=output.dtype == "int16",
    )

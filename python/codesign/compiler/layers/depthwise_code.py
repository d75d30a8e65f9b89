# SPDX-License-Identifier: Apache-2.0
"""C of depthwise convolutions of three by three taps over the frames of a history: one cs_depthwise_rows of
runtime/include/codesign/conv.h.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from codesign.compiler.layers.code import Array, CodeContext, LayerCode
from codesign.compiler.layers.conv_code import ConvPhase
from codesign.compiler.layers.packing_pairs import pack_depthwise
from codesign.compiler.layers.packing_rows import ROW_KERNELS, pack_depthwise_rows

if TYPE_CHECKING:
    from codesign.compiler.layers.convolution import Convolution

_TAPS = 3
_LEAST_SIZE = 5
_SHIFTS = (-14, -2)  # those that leave the rounding room beside a product


def depthwise_rows(layer: Convolution) -> ConvPhase | None:
    """The one phase of a layer that cs_depthwise_rows_s16 computes, None where it does not."""
    phases = layer.phases()
    if len(phases) != 1 or not layer.depthwise or layer.groups != len(layer.weights):
        return None
    (phase,) = phases
    time, frequency = phase.time, phase.frequency
    whole = time.results == 1 and time.taps == _TAPS and time.origin >= 0
    whole = whole and time.origin + (_TAPS - 1) * time.dilation < time.source
    same = (frequency.taps, frequency.step, frequency.dilation, frequency.origin) == (_TAPS, 1, 1, -1)
    same = same and frequency.results == frequency.source >= _LEAST_SIZE and layer.result_shape[1:] == (1, frequency.source)
    plain = layer.bits == 16 and (layer.low, layer.high, layer.twice) == (-32767, 32767, False)
    shifts = int(layer.shift.min()) >= _SHIFTS[0] and int(layer.shift.max()) <= _SHIFTS[1]
    return phase if whole and same and plain and shifts else None


def depthwise_rows_code(layer: Convolution, context: CodeContext) -> LayerCode:
    """Its C."""
    phase, prefix = depthwise_rows(layer), context.functions[layer.name]
    assert phase is not None, "the layer has looked"
    negative = layer.multiplier if layer.negative is None else layer.negative
    weights = phase.weights.reshape(-1, _TAPS, _TAPS)
    pack = pack_depthwise_rows if context.kernel in ROW_KERNELS else pack_depthwise
    packed = pack(weights, layer.bias, layer.multiplier, negative, layer.shift)
    words = Array.of(context.member(layer.name, "words"), packed)
    code = context.render(
        "depthwise_rows.c.j2",
        layer=layer,
        phase=phase,
        prefix=prefix,
        words=words.name,
        x=context.at(layer.source),
        place=f"(uint32_t)*{context.at(layer.place)}" if layer.place else "0",
        y=context.at(layer.output),
    )
    return LayerCode(prefix, (words,), code)

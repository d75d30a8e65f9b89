# SPDX-License-Identifier: Apache-2.0
"""How much of a run the integers of its features and its mask cannot hold: beyond their range, values become its end."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from codesign.compiler.frontend import Chain
from codesign.compiler.lower.network import Network
from codesign.compiler.model.graph import Graph, Quant
from codesign.compiler.reference.capture import captured
from codesign.compiler.reference.frontend import analyse

_BLOCK = 4096  # frames


@dataclass(frozen=True)
class Saturation:
    """Values of a signal and those that are beyond their range by more than a step.

    `features_peak` is the largest feature, as a multiple of the largest that fits.
    """

    signal: str
    features: int
    features_beyond: int
    features_peak: float
    mask: int
    mask_beyond: int

    def any(self) -> bool:
        """Whether there is something to tell."""
        return self.features_beyond > 0 or self.mask_beyond > 0

    def __str__(self) -> str:
        peak = f" (the largest {self.features_peak:.3g} times it)" if self.features_beyond else ""
        features, mask = _share(self.features_beyond, self.features), _share(self.mask_beyond, self.mask)
        return f"{self.signal}: {features} of the features{peak} and {mask} of the mask are beyond their range"


def together(signal: str, parts: Sequence[Saturation]) -> Saturation:
    """That of several signals."""
    return Saturation(
        signal,
        sum(part.features for part in parts),
        sum(part.features_beyond for part in parts),
        max((part.features_peak for part in parts), default=0.0),
        sum(part.mask for part in parts),
        sum(part.mask_beyond for part in parts),
    )


def of_values(
    signal: str, features: npt.NDArray[np.floating], feature: Quant | None, mask: npt.NDArray[np.floating], value: Quant
) -> Saturation:
    """Of real features and masks, any shapes, under the parameters `feature`, None where they stay real, and `value`."""
    if feature is None:
        return Saturation(signal, features.size, 0, 0.0, mask.size, _beyond(mask, value))
    beyond = _beyond(features, feature)
    return Saturation(signal, features.size, beyond, _peak(features, feature), mask.size, _beyond(mask, value))


def of_run(
    signal: str, graph: Graph, network: Network, pcm: npt.NDArray[np.int16], mask: npt.NDArray[np.integer]
) -> Saturation:
    """Of a quantized network's run over PCM of whole hops: its real features, and its mask, integers (frames, m)."""
    value = network.values[network.input]
    if value.dtype == "float32":
        return Saturation(signal, len(mask) * value.size, 0, 0.0, mask.size, _at_ends(graph, network, mask))
    bits = 8 if value.dtype == "int8" else 16
    quant, count, beyond, peak = Quant(value.scale, value.zero_point, bits), 0, 0, 0.0
    for features in _features(network.frontend, captured(network.frontend, pcm)):
        count, beyond = count + features.size, beyond + _beyond(features, quant)
        peak = max(peak, _peak(features, quant))
    return Saturation(signal, count, beyond, peak, mask.size, _at_ends(graph, network, mask))


def _features(config: Chain, pcm: npt.NDArray[np.int16]) -> Iterator[npt.NDArray[np.float32]]:
    """Of `analyse`, some frames at a time, so that long recordings do not take their spectra's memory."""
    if config.running != "none":  # of all that went before
        yield analyse(config, pcm).features
        return
    hop, before = config.hop, -(-config.window // config.hop) - 1
    for start in range(0, pcm.size // hop, _BLOCK):
        first = max(0, start - before)
        yield analyse(config, pcm[first * hop : (start + _BLOCK) * hop]).features[start - first :]


def _at_ends(graph: Graph, network: Network, mask: npt.NDArray[np.integer]) -> int:
    """How many integers of a mask stand at an end of their range that the network itself would not stop at."""
    value = network.values[network.output]
    quant = Quant(value.scale, value.zero_point, 8 if value.dtype == "int8" else 16)
    first, last = _integers(quant)
    (low, high), (lowest, highest) = _own_range(graph), _range(quant)
    above = int(np.count_nonzero(mask == last)) if high > highest + quant.scale else 0
    return above + (int(np.count_nonzero(mask == first)) if low < lowest - quant.scale else 0)


def _share(part: int, whole: int) -> str:
    """In per cent; 0 is nothing at all."""
    percent = 100.0 * part / max(1, whole)
    return f"{percent:.3g} %" if part == 0 or percent >= 0.01 else "less than 0.01 %"


def _own_range(graph: Graph) -> tuple[float, float]:
    """What the operator that makes the mask can give."""
    return next((op.bounds for op in graph.ops if op.outputs[0] == graph.output), (-math.inf, math.inf))


def _integers(quant: Quant) -> tuple[int, int]:
    return (-127, 127) if quant.bits == 8 else (-32768, 32767)


def _range(quant: Quant) -> tuple[float, float]:
    """The smallest and the largest real value."""
    first, last = _integers(quant)
    return (first - quant.zero_point) * quant.scale, (last - quant.zero_point) * quant.scale


def _beyond(values: npt.NDArray[np.floating], quant: Quant) -> int:
    low, high = _range(quant)
    return int(np.count_nonzero((values > high + quant.scale) | (values < low - quant.scale)))


def _peak(features: npt.NDArray[np.floating], quant: Quant) -> float:
    return float(features.max(initial=0.0)) / max(_range(quant)[1], quant.scale)

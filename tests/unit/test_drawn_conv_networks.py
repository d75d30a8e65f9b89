# SPDX-License-Identifier: Apache-2.0
"""Drawn networks of convolutions, skips, stacked neighbours, time contexts and scans: as onnxruntime, C as the reference."""

from __future__ import annotations

import dataclasses
import itertools

import numpy as np
import pytest
from test_convolution_operators import features, finished, image, numbers, weights
from test_recurrent_operators import node as recurrent
from test_states import saved, start

from codesign.compiler.lower import lower
from models import Net
from whole_way import whole_way

pytestmark = pytest.mark.slow  # the file as a whole

C, F = 4, 9


class Drawn:
    """Blocks over values [1, C, 1, F], each of them once, in a drawn order."""

    def __init__(self, seed: int) -> None:
        self.net = start(seed)
        self.rng = np.random.default_rng(seed)
        self._numbers = itertools.count()

    def node(self, kind: str, *inputs: str, **attributes: object) -> str:
        return self.net.node(kind, list(inputs), f"v{next(self._numbers)}", **attributes)

    def conv(self, x: str, inputs: int = C, taps: tuple[int, int] = (1, 3), kind: str = "Conv", groups: int = 1) -> str:
        shape = (C, inputs // groups, *taps) if kind == "Conv" else (inputs, C // groups, *taps)
        y = self.node(kind, x, weights(self.net, *shape), weights(self.net, C), group=groups, pads=[0, taps[1] // 2] * 2)
        if self.rng.random() < 0.3:
            return y
        slopes = self.rng.uniform(-0.5, 1, (C, 1, 1)).astype(np.float32)
        return self.node("PRelu", y, self.net.constant(f"slopes{next(self._numbers)}", slopes))

    def transposed(self, x: str) -> str:
        return self.conv(x, kind="ConvTranspose", groups=2)

    def stacked(self, x: str) -> str:
        """Three neighbours of the first channels as channels of a kernel of one tap."""
        half = self.node("Slice", x, *(numbers(self.net, n) for n in (0, C // 2, 1)))
        padded = self.node("Pad", half, numbers(self.net, 0, 0, 0, 1, 0, 0, 0, 1))
        parts = [self.node("Slice", padded, *(numbers(self.net, n) for n in (k, k + F, 3))) for k in range(3)]
        apart = [self.node("Reshape", part, numbers(self.net, 1, C // 2, 1, 1, F)) for part in parts]
        joined = self.node("Reshape", self.node("Concat", *apart, axis=2), numbers(self.net, 1, 3 * C // 2, 1, F))
        return self.conv(joined, 3 * C // 2, (1, 1))

    def skip(self, x: str) -> str:
        return self.node("Add", x, self.conv(x, taps=(1, 1)))

    def shuffled(self, x: str) -> str:
        return self.conv(self.node("Concat", x, self.node("Sigmoid", x), axis=1), 2 * C, (1, 1))

    def gated(self, x: str) -> str:
        return self.node("Mul", x, self.node("Sigmoid", self.node("ReduceMean", x, numbers(self.net, 3))))

    def past(self, x: str) -> str:
        """A depthwise kernel over three frames."""
        joined = self.node("Concat", self.net.state("past", (C, 2, F)), x, axis=2)
        self.net.node("Slice", [joined, *(numbers(self.net, n) for n in (1, 2**62, 2))], "past_out")
        return self.conv(joined, taps=(3, 3), groups=C)

    def scan(self, x: str) -> str:
        """A GRU along frequency, and what it read added."""
        rows = self.node("Transpose", self.node("Reshape", x, numbers(self.net, C, F)), perm=[1, 0])
        recurrent(self.net, "GRU", self.node("Reshape", rows, numbers(self.net, F, 1, C)), C, (), ("scanned",), 1, units=C)
        back = self.node("Transpose", self.node("Reshape", "scanned", numbers(self.net, F, C)), perm=[1, 0])
        return self.node("Add", self.node("Reshape", back, numbers(self.net, 1, C, 1, F)), x)

    def drawn(self) -> Net:
        x = image(self.net, 1, C, 1, F)
        blocks = [self.conv, self.transposed, self.stacked, self.skip, self.shuffled, self.gated, self.past, self.scan]
        for index in self.rng.permutation(len(blocks)):
            x = blocks[index](x)
        return finished(self.net, x, C * F)


@pytest.mark.parametrize(("seed", "activations"), [(0, "int16"), (1, "int16"), (2, "int8")])
def test_drawn_networks_go_the_whole_way(seed, activations, tmp_path):
    way = whole_way(saved(Drawn(seed).drawn(), tmp_path), features(), tmp_path, activations)
    kinds = [layer.kind for layer in way.network.layers]
    assert {"conv2d", "convtranspose2d", "history", "gru"} <= set(kinds)
    assert way.mask_db > (35 if activations == "int16" else 15)
    taps = [layer.weights.shape[3] for layer in way.network.layers if layer.kind == "conv2d"]
    assert taps.count(3) >= 3, "stacked neighbours are taps"
    rings = [layer.place for layer in way.network.layers if layer.kind == "history"]
    assert rings, "the depthwise kernel reads past frames"
    assert all(rings) == (activations == "int16")
    if activations == "int16":
        assert "binary16" in kinds
        exact = lower(dataclasses.replace(way.quantized, tflite=True))
        assert "binary16" not in [layer.kind for layer in exact.layers], "TFLite's rounding is kept"

# SPDX-License-Identifier: Apache-2.0
"""A float network in integers for what its shapes cost: the scales are those of noise, so the values mean nothing."""

from __future__ import annotations

import numpy as np

from codesign.compiler.frontend import whole_hops
from codesign.compiler.model.graph import Graph
from codesign.compiler.quantize.calibrate import quantize_graph
from codesign.compiler.reference.frontend import analyse

FRAMES = 12
LEVEL = 3000.0
"""Of the noise, in LSB."""


def quantized_for_shape(graph: Graph) -> Graph:
    """A float graph in a chain as int8, with scales from a few frames of noise; a quantized one as it is.

    Raises:
        InputError: the network cannot be quantized.
    """
    if graph.quants:
        return graph
    samples = np.random.default_rng(1).standard_normal(graph.frontend.hop * FRAMES) * LEVEL
    pcm = whole_hops(samples.clip(-32768, 32767).astype(np.int16), graph.frontend.hop)
    return quantize_graph(graph, [analyse(graph.frontend, pcm).features])

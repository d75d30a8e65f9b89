# SPDX-License-Identifier: Apache-2.0
"""Quantization-aware training of families without an integer contract of their own, and their integer network."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from codesign.compiler.frontend import whole_hops
from codesign.compiler.model import Graph
from codesign.compiler.quantize import quantize_graph
from codesign.compiler.reference.frontend import analyse
from codesign.learning.compress.fake_quantized import FakeQuantizedEnhancer
from codesign.learning.compress.skip import EnhancerTask
from codesign.learning.families.export import step_graph, step_model
from codesign.learning.families.family import Sizes
from codesign.learning.train.checkpoint import Checkpoint
from codesign.learning.train.recipe import Recipe

CALIBRATION_SECONDS = 30.0


class FakeQuantizeTask(EnhancerTask):
    """Weights under rounding; the checkpoint keeps the noisy signals that the export calibrates values on."""

    phase = "quantize"
    module: FakeQuantizedEnhancer

    def __init__(self, recipe: Recipe, sizes: Sizes, weights: dict[str, Tensor], signals: Sequence[Tensor]) -> None:
        module = FakeQuantizedEnhancer(recipe.config, sizes)
        module.network.load_state_dict(weights)
        super().__init__(recipe, module, None)
        length = max(1, round(CALIBRATION_SECONDS * recipe.config.sample_rate))
        self.calibration = (torch.cat(list(signals))[:length] * 32768).round().clamp(-32768, 32767).to(torch.int16)

    def progress(self) -> dict[str, Any]:
        return super().progress() | {"calibration": self.calibration}

    def restore(self, progress: dict[str, Any]) -> None:
        super().restore(progress)
        self.calibration = progress["calibration"]


def rounded_graph(checkpoint: Checkpoint) -> Graph:
    """The quantized graph of a checkpoint of FakeQuantizeTask: int8 weights as trained with, int16 values.

    Raises:
        KeyError: the checkpoint is of another phase.
    """
    recipe = checkpoint.recipe
    module = FakeQuantizedEnhancer(recipe.config, checkpoint.sizes)
    module.load_state_dict(checkpoint.average)
    network = checkpoint.sizes.network(recipe.config)
    network.load_state_dict(checkpoint.network)
    tensors = dict(network.named_parameters()) | dict(network.named_buffers())  # fixed matrices are rounded too
    with torch.no_grad():
        for name, weight in module.rounded_weights().items():
            tensors[name].copy_(weight)
    graph = step_graph(step_model(network, recipe.config, recipe.name, recipe.licence))
    pcm = whole_hops(checkpoint.progress["task"]["calibration"].numpy(), recipe.config.hop)
    return quantize_graph(graph, [analyse(graph.frontend, pcm).features], "int16")

# SPDX-License-Identifier: Apache-2.0
"""Quantization-aware training: from calibrated scales, with the integer contract as the forward pass."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from codesign.compiler.frontend import Chain
from codesign.compiler.quantize.calibrate import quantize_graph
from codesign.learning.compress.graph import Rounding, network_graph, rounding_of
from codesign.learning.compress.quantized import QuantizedEnhancer
from codesign.learning.compress.skip import EnhancerTask
from codesign.learning.families.lstm import LstmSizes
from codesign.learning.train.checkpoint import Checkpoint
from codesign.learning.train.front_end import FrontEndTorch
from codesign.learning.train.recipe import Recipe


@torch.no_grad()
def calibrated(sizes: LstmSizes, weights: dict[str, Tensor], config: Chain, signals: Sequence[Tensor]) -> Rounding:
    """The rounding of least squared error for each weight and value, over noisy `signals` [samples]."""
    front = FrontEndTorch(config)
    features = [front.analyse(signal[None])[1][0].numpy() for signal in signals]
    arrays = {name: value.cpu().float().numpy() for name, value in weights.items()}
    return rounding_of(quantize_graph(network_graph(sizes, arrays, config, "calibration"), features))


class QuantizeTask(EnhancerTask):
    """Weights and scales of a quantized enhancer."""

    phase = "quantize"
    module: QuantizedEnhancer

    def __init__(self, recipe: Recipe, sizes: LstmSizes, weights: dict[str, Tensor], rounding: Rounding) -> None:
        module = QuantizedEnhancer.of(recipe.config, sizes, weights, rounding)
        super().__init__(recipe, module, recipe.skip.updates if recipe.skip else None)

    def progress(self) -> dict[str, Any]:
        return super().progress() | {"cell_fractions": list(self.module.cell_fractions)}

    def restore(self, progress: dict[str, Any]) -> None:
        super().restore(progress)
        self.module.cell_fractions = tuple(int(n) for n in progress["cell_fractions"])


def quantized_enhancer(checkpoint: Checkpoint) -> QuantizedEnhancer:
    """The averaged network of a checkpoint of the phase "quantize", computing as the firmware does.

    Raises:
        KeyError: the checkpoint is of another phase.
    """
    fractions = tuple(int(n) for n in checkpoint.progress["task"]["cell_fractions"])
    assert isinstance(checkpoint.sizes, LstmSizes)
    module = QuantizedEnhancer(checkpoint.recipe.config, checkpoint.sizes, fractions)
    module.load_state_dict(checkpoint.average)
    return module.eval()

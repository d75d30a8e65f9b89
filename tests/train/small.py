# SPDX-License-Identifier: Apache-2.0
"""A recipe, networks and mixtures small enough to train in a moment."""

from __future__ import annotations

import contextlib
import dataclasses

import numpy as np
import torch

from codesign.learning.train.float_task import float_sizes
from codesign.learning.train.network import EnhancerModule
from codesign.learning.train.recipe import parse_recipe

RECIPE = """
name = "small"
seed = 3
[front_end]
n_fft = 128
window = 128
hop = 64
n_mels = 12
[network]
lstm = [16, 12]
fc = [12]
dropout = 0.1
[train]
steps = 6
batch = 2
seconds = 0.1
learning_rate = 1e-3
warmup = 2
validate_every = 3
[prune]
steps = 60
batch = 2
seconds = 0.1
warmup = 2
learning_rate = 5e-3
bytes = 2600
macs = 2200
[recover]
steps = 6
batch = 2
seconds = 0.1
warmup = 2
validate_every = 3
[skip]
steps = 40
batch = 2
seconds = 0.1
updates = 0.4
[quantize]
steps = 4
batch = 2
seconds = 0.1
"""


def small_recipe(text=RECIPE):
    return parse_recipe(text, "small.toml")


def enhancer(skip=False, seed=0):
    """An untrained network whose weights are far enough from zero that every part of the arithmetic does something."""
    torch.manual_seed(seed)
    recipe = small_recipe()
    result = EnhancerModule(recipe.config, dataclasses.replace(float_sizes(recipe), skip=skip))
    with torch.no_grad():
        for parameter in result.network.parameters():
            parameter.mul_(2.0)
        if skip:
            result.network.get_parameter("skip.bias").fill_(-0.3)
            result.network.get_parameter("skip.weight").mul_(20)
    return result.eval()


def tones(count, samples, seed=0):
    """(noisy, clean), float32 [count, samples]."""
    rng = np.random.default_rng(seed)
    time = np.arange(samples) / 16000
    clean = np.stack([0.2 * np.sin(2 * np.pi * rng.uniform(200, 2000) * time) for _ in range(count)])
    return (clean + 0.1 * rng.standard_normal(clean.shape)).astype(np.float32), clean.astype(np.float32)


class Tones:
    """Batch k is a function of k."""

    def __init__(self, settings):
        self.count, self.samples = settings.batch, int(settings.seconds * 16000) // 64 * 64

    @contextlib.contextmanager
    def batches(self, first):
        yield (tones(self.count, self.samples, seed=k) for k in range(first, 10**6))

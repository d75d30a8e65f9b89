# SPDX-License-Identifier: Apache-2.0
"""Recipes of networks of every family but the paper's, small enough to train in a moment."""

from __future__ import annotations

import torch
from small import RECIPE, small_recipe

from codesign.learning.train.float_task import float_sizes
from codesign.learning.train.network import EnhancerModule

LSTM = "lstm = [16, 12]\nfc = [12]\ndropout = 0.1\n"
BANDS = 'feature = "erb_magnitude"\nn_mels = 16\n'
CONV = 'family = "conv-recurrent"\nchannels = [8, 8]\nhidden = 8\nacross = 4\nover = 8\n'
RECIPES = {
    "gru": RECIPE.replace(LSTM, 'family = "gru"\ngru = [16, 12]\nfc = [12]\n'),
    "conv-recurrent": RECIPE.replace(LSTM, CONV).replace("n_mels = 12\n", BANDS),
    "conv-recurrent, complex": RECIPE.replace(LSTM, f"{CONV}groups = 2\ndirect = 16\nbands = 8\n").replace(
        "n_mels = 12\n", 'feature = "spectrum"\n'
    ),
}


def recipe_of(name, *replacements):
    text = RECIPES[name]
    for old, new in replacements:
        text = text.replace(old, new)
    return small_recipe(text)


def enhancer_of(name):
    """An untrained enhancer whose normalizations have seen other numbers than those they start from."""
    recipe = recipe_of(name)
    torch.manual_seed(5)
    result = EnhancerModule(recipe.config, float_sizes(recipe))
    with torch.no_grad():
        for parameter in result.network.parameters():
            parameter.mul_(1.5)
        for _ in range(8):
            result(0.3 * torch.randn(2, 2048))
    return result.eval()

# SPDX-License-Identifier: Apache-2.0
"""An asymmetric window in training: what the firmware's reference computes, and a recipe that names it."""

import numpy as np
import pytest
import torch

from chains import chain_of
from codesign.base.errors import InputError
from codesign.compiler.reference.frontend import analyse, output_of
from codesign.learning.train.front_end import FrontEndTorch
from codesign.learning.train.recipe import parse_recipe


@pytest.mark.parametrize("length", [32, 64])
def test_torch_computes_what_the_reference_does(length):
    keys = {"window": 128, "n_fft": 128, "hop": 16, "n_mels": 24, "window_kind": "asymmetric", "synthesis_length": length}
    chain, rng = chain_of(**keys), np.random.default_rng(5)
    pcm = rng.integers(-9000, 9000, 50 * chain.hop).astype(np.int16)
    gains = rng.uniform(0, 1, (50, chain.n_outputs)).astype(np.float32)
    front = FrontEndTorch(chain)
    signal = torch.from_numpy(pcm.astype(np.float32) / 32768)[None]
    analysis = analyse(chain, pcm)
    spectrum, features = front.analyse(signal)
    np.testing.assert_allclose(features[0, :50], analysis.features, atol=2e-4)
    held = torch.from_numpy(np.concatenate([gains, np.repeat(gains[-1:], spectrum.shape[1] - 50, axis=0)]))
    found = front.enhance(signal, spectrum, held[None])[0].numpy()
    expected = output_of(chain, pcm, analysis.spectrum, gains)[chain.latency_samples :]
    assert np.abs(found[: expected.size] * 32768 - expected).max() <= 0.51, "but for the rounding to int16"


def test_a_recipe_names_the_window():
    front = '[front_end]\nwindow = 512\nhop = 32\nwindow_kind = "asymmetric"\nsynthesis_length = '
    recipe = parse_recipe(f'name = "short"\n{front}64\n', "recipe.toml")
    assert recipe.config.latency_samples == 32
    with pytest.raises(InputError, match="synthesis_length 50 is no even multiple"):
        parse_recipe(f'name = "short"\n{front}50\n', "recipe.toml")

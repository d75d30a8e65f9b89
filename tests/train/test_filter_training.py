# SPDX-License-Identifier: Apache-2.0
"""The filter path in training: that it computes what the firmware's reference does, and that a network learns through it."""

import numpy as np
import pytest
import torch

from chains import chain_of
from codesign.base.errors import InputError
from codesign.compiler.frontend.filter_path import filter_delay
from codesign.compiler.reference.filter_path import filters_of
from codesign.compiler.reference.frontend import analyse, bin_gains, output_of
from codesign.learning.train.front_end import FrontEndTorch
from codesign.learning.train.recipe import parse_recipe

RNG = np.random.default_rng(5)
CHAINS = {
    "late as can be": chain_of(path="filter", taps=64, window=256, n_fft=256, hop=64, n_mels=32),
    "early": chain_of(path="filter", taps=16, window=128, n_fft=128, hop=64, n_mels=24, lag=8),
    "short hops": chain_of(path="filter", taps=72, window=96, n_fft=96, hop=16, n_mels=24, block=4, lag=8),
    "minimum phase": chain_of(path="filter", phase="minimum", taps=64, window=128, n_fft=128, hop=64, n_mels=24),
    "a hop that does not divide the window": chain_of(path="filter", taps=128, window=200, n_fft=240, hop=48, n_mels=24),
}


@pytest.mark.parametrize("name", CHAINS)
def test_torch_computes_what_the_reference_does(name):
    chain = CHAINS[name]
    pcm = RNG.integers(-9000, 9000, 50 * chain.hop).astype(np.int16)
    gains = RNG.uniform(0, 1, (50, chain.n_outputs)).astype(np.float32)
    analysis = analyse(chain, pcm)
    front = FrontEndTorch(chain)
    signal = torch.from_numpy(pcm.astype(np.float32) / 32768)[None]
    spectrum, features = front.analyse(signal)
    np.testing.assert_allclose(features[0], analysis.features, atol=2e-4)
    found = front.enhance(signal, spectrum, torch.from_numpy(gains)[None])[0].numpy()
    expected = output_of(chain, pcm, analysis.spectrum, gains)[chain.latency_samples :]
    assert found.size == expected.size == pcm.size - filter_delay(chain)
    assert np.abs(found * 32768 - expected).max() <= 0.51, "but for the rounding to int16"
    bins = bin_gains(chain, gains)
    np.testing.assert_allclose(front.path.filters(torch.from_numpy(bins)[None])[0], filters_of(chain, bins), atol=2e-6)


@pytest.mark.parametrize("phase", ["linear", "minimum"])
def test_gradients_are_those_of_small_steps(phase):
    chain = chain_of(path="filter", phase=phase, taps=16, window=32, n_fft=32, hop=16, n_mels=8, lag=8)
    front = FrontEndTorch(chain).double()
    signal = torch.randn(1, 8 * chain.hop, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    gains = 0.2 + 0.6 * torch.rand(1, 8, chain.n_outputs, dtype=torch.float64, generator=torch.Generator().manual_seed(2))
    gains.requires_grad_(True)
    spectrum, _ = front.analyse(signal)
    assert torch.autograd.gradcheck(lambda g: front.enhance(signal, spectrum, g), (gains,))


def test_recipes_name_the_path():
    front = "[front_end]\nwindow = 128\nhop = 64\nn_fft = 128\nn_mels = 32\n"
    recipe = parse_recipe(f'name = "filter"\n{front}path = "filter"\ntaps = 48\nlag = 40\n', "recipe.toml")
    assert (recipe.config.path, recipe.config.taps, recipe.config.lag) == ("filter", 48, 40)
    with pytest.raises(InputError, match="taps 50"):
        parse_recipe(f'name = "filter"\n{front}path = "filter"\ntaps = 50\n', "recipe.toml")
    with pytest.raises(InputError, match="window_samples must be a list of numbers"):
        parse_recipe(f'name = "filter"\n{front}window_kind = "samples"\nwindow_samples = 3\n', "recipe.toml")

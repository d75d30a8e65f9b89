# SPDX-License-Identifier: Apache-2.0
"""Running normalization against its formula in float64, and DeepFilterNet's by its own loop."""

from __future__ import annotations

import numpy as np
import pytest

from chains import chain_of
from codesign.base.errors import InputError
from codesign.compiler.frontend.chain import Chain
from codesign.compiler.reference.running import running_normalized

ERB = {"window": 64, "n_fft": 64, "hop": 32, "feature": "erb_power", "n_mels": 8, "compression": "log10"}
RNG = np.random.default_rng(4)


@pytest.mark.parametrize("over", ["each", "all"])
@pytest.mark.parametrize("kind", ["mean", "mean_deviation"])
def test_mean_and_deviation(kind, over):
    chain = chain_of(**ERB, running=kind, running_over=over, running_smoothing=0.9, running_start=-3.0, running_deviation=2.0)
    x = RNG.normal(-4, 2, (200, 8)).astype(np.float32)
    mean, square, expected = np.full(8, -3.0), np.full(8, 4.0), []
    for row in x.astype(np.float64):
        mean = 0.9 * mean + 0.1 * (row if over == "each" else row.mean())
        centred = row - mean
        square = 0.9 * square + 0.1 * (centred**2 if over == "each" else (centred**2).mean())
        expected.append(centred if kind == "mean" else centred / np.sqrt(square))
    np.testing.assert_allclose(running_normalized(chain, x), expected, atol=2e-5)


def test_deepfilternet_s_band_norm():
    """libDF's band_mean_norm_erb: decibels, a start of -60 to -90, and a division by 40."""
    start = np.linspace(-60, -90, 8)
    chain = chain_of(**ERB, running="mean", running_smoothing=0.99, running_start=(start / 10).tolist(), deviation=4.0)
    x = RNG.normal(-5, 1, (100, 8)).astype(np.float32)
    state, expected = start.copy(), []
    for row in x.astype(np.float64) * 10:
        state = row * (1 - 0.99) + state * 0.99
        expected.append((row - state) / 40)
    np.testing.assert_allclose(running_normalized(chain, x) / 4, expected, atol=2e-5)


@pytest.mark.parametrize("layout", ["interleaved", "planes"])
def test_deepfilternet_s_unit_norm(layout):
    """libDF's band_unit_norm: a complex bin over the root of its smoothed magnitude."""
    start = np.linspace(0.001, 0.0001, 33)
    chain = chain_of(
        **{"window": 64, "n_fft": 64, "hop": 32, "feature": "spectrum", "output": "mask", "layout": layout},
        **{"running": "unit", "running_smoothing": 0.95, "running_start": start.tolist()},
    )
    x = RNG.normal(0, 0.1, (80, 33)) + 1j * RNG.normal(0, 0.1, (80, 33))
    state, expected = start.copy(), []
    for row in x:
        state = np.abs(row) * (1 - 0.95) + state * 0.95
        expected.append(row / np.sqrt(state))
    parts = np.stack([x.real, x.imag], axis=-1 if layout == "interleaved" else 1).reshape(80, 66).astype(np.float32)
    found = running_normalized(chain, parts).reshape((80, 33, 2) if layout == "interleaved" else (80, 2, 33))
    pairs = found if layout == "interleaved" else np.moveaxis(found, 1, -1)
    np.testing.assert_allclose(pairs[..., 0] + 1j * pairs[..., 1], expected, rtol=1e-4, atol=1e-5)


def test_smoothing_is_a_second_unless_it_is_said():
    assert chain_of(**ERB, running="mean").running_smoothing == pytest.approx(np.exp(-32 / 16000))
    assert chain_of(**ERB).running_smoothing == 0.0


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ({"running": "median"}, "running 'median' is not one of none, mean"),
        ({"running": "unit"}, "running 'unit' is of complex bins"),
        ({"running": "mean", "running_over": "some"}, "running_over 'some'"),
        ({"running": "mean", "running_smoothing": 1.0}, r"running_smoothing 1.0 is not in \[0, 1\)"),
        ({"running": "mean", "running_start": (1.0, 2.0)}, "running_start has 2 values for 8"),
        ({"running": "mean_deviation", "running_deviation": (-1.0,)}, "running_deviation holds a value"),
        ({"running_floor": 0.0}, "running_floor 0.0"),
    ],
)
def test_what_makes_no_sense_is_refused(keys, said):
    with pytest.raises(InputError, match=said):
        Chain(n_fft=64, window=64, hop=32, feature="erb_power", n_mels=8, **keys)

# SPDX-License-Identifier: Apache-2.0
"""Means, magnitudes and normalizations of integers against float64, within one step of the rounded result."""

from __future__ import annotations

import numpy as np
import pytest

from codesign.base.errors import InputError
from codesign.compiler.layers import Value
from codesign.compiler.layers.roots import reciprocal_root
from codesign.compiler.lower.reductions import magnitude_of, mean_of, normalize_of
from layer_cases import of_type


def run(layer, **values):
    held = {name: x.astype(np.int64) for name, x in values.items()}
    layer.step(held, ())
    return held[layer.output]


def test_reciprocal_root_errs_by_less_than_two_to_the_minus_24():
    w = np.concatenate([np.linspace(2**29, 2**31 - 1, 200001), 2**29 + np.arange(1000)]).astype(np.int64)
    exact = 1 / np.sqrt(w / 2**31)
    assert np.abs(reciprocal_root(w) / 2**29 / exact - 1).max() < 2**-24


@pytest.mark.parametrize("spread", [3, 300, 32767])
@pytest.mark.parametrize("dtype", ["int8", "int16"])
def test_normalize_is_within_one_step(dtype, spread):
    rng, n = np.random.default_rng(6), 528
    full = min(spread, 127 if dtype == "int8" else 32767)
    x = Value("x", 8 * n, dtype, 3.0 / (127 if dtype == "int8" else 32767), 9 if dtype == "int8" else 0)
    y = Value("y", 8 * n, "int16", 6.0 / 32767)
    q, gain, bias = rng.integers(-full, full + 1, x.size), rng.normal(0, 0.7, n), rng.normal(0, 0.5, n)
    real = x.scale * (q - x.zero_point).reshape(8, n)
    centred = real - real.mean(axis=1, keepdims=True)
    exact = gain * centred / np.sqrt(real.var(axis=1, keepdims=True) + 1e-9) + bias
    ours = run(normalize_of("n", x, y, gain, bias, 1e-9), x=q).reshape(8, n)
    assert np.abs(ours - np.clip(exact / y.scale, -32767, 32767)).max() <= 0.55
    assert np.ptp(exact) > 4


@pytest.mark.parametrize("scale", [2.0**-15, 2.0**-14.3, 2.0**-20])
def test_magnitude_is_within_one_step(scale):
    rng = np.random.default_rng(7)
    for spread in (3, 500, 32767):
        re, im = rng.integers(-spread, spread + 1, (2, 5000))
        parts = Value("re", 5000, "int16", 2.0**-15), Value("im", 5000, "int16", 2.0**-15)
        ours = run(magnitude_of("m", *parts, Value("y", 5000, "int16", scale)), re=re, im=im)
        exact = np.minimum(np.hypot(re, im) * 2.0**-15 / scale, 32767)
        assert np.abs(ours - exact).max() <= 0.51


@pytest.mark.parametrize("squares", [False, True])
@pytest.mark.parametrize("axes", [(0,), (-1,), (1, 2)])
def test_mean_is_within_one_step(axes, squares):
    rng, shape = np.random.default_rng(8), (6, 40, 50)
    x = Value("x", 12000, "int16", 2.0**-15)
    q = of_type(rng, x.size, "int16").reshape(shape) // 3 + 9000
    real = q.astype(np.float64) * x.scale
    exact = (real**2 if squares else real).mean(axis=axes).reshape(-1)
    y = Value("y", exact.size, "int16", float(np.abs(exact).max()) / 32767)
    assert np.abs(run(mean_of("m", x, shape, axes, y, squares=squares), x=q.reshape(-1)) - exact / y.scale).max() <= 0.51


def test_what_cannot_be_is_refused_by_name():
    x, y = Value("x", 6, "int16", 2.0**-15), Value("y", 2, "int16", 2.0**-15)
    with pytest.raises(InputError, match=r"m: the axes .* must follow one another"):
        mean_of("m", x, (1, 2, 3), (0, 2), y)
    with pytest.raises(InputError, match=r"m: a mean of .* does not give 2 elements"):
        mean_of("m", x, (2, 3), (0,), y)
    with pytest.raises(InputError, match="n: normalization of 4 of 6"):
        normalize_of("n", x, x, np.ones(4), np.zeros(4), 1e-5)
    with pytest.raises(InputError, match="g: a magnitude takes two int16 values"):
        magnitude_of("g", x, Value("z", 6, "int16", 2.0**-14), x)
    with pytest.raises(InputError, match=r"g: scale .* is too far"):
        magnitude_of("g", x, x, Value("z", 6, "int16", 1.0))

# SPDX-License-Identifier: Apache-2.0
"""The NumPy front end against float64 oracles; tolerances follow from float32's unit roundoff."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from codesign.compiler.frontend import Chain, analysis_window, mel_analysis, mel_synthesis
from codesign.compiler.frontend.fft_tables import fft_split, fft_twiddles
from codesign.compiler.reference.frontend import (
    FLOOR,
    analyse,
    banded_sums,
    irfft,
    power_of,
    quantize_features,
    rfft,
    synthesise,
)

UNIT = 2.0**-24
SIZES = [2**k for k in range(4, 13)]
BASE = Chain(n_mels=40)
SHAPES = {
    "1/2 overlap": BASE,
    "Hann": dataclasses.replace(BASE, window_kind="hann"),
    "2/3 overlap, padded": dataclasses.replace(BASE, n_fft=256, window=192, hop=64),
    "3/4 overlap, padded": dataclasses.replace(BASE, window=400, hop=100),
    "smallest": dataclasses.replace(BASE, n_fft=16, window=16, hop=8, n_mels=9),
}


def rms(x: np.ndarray) -> float:
    return float(np.sqrt(np.mean(np.abs(x) ** 2)))


def complex_of(spectrum: np.ndarray) -> np.ndarray:
    return spectrum[..., 0].astype(np.float64) + 1j * spectrum[..., 1]


@pytest.mark.parametrize("n", SIZES)
def test_rfft_is_numpy_s(n: int) -> None:
    """Each of log2(n) levels of butterflies adds a relative RMS error of a few roundoffs (Higham, 2002, theorem 24.2)."""
    x = np.random.default_rng(n).normal(0, 1, (20, n)).astype(np.float32)
    expected = np.fft.rfft(x.astype(np.float64))
    assert rms(complex_of(rfft(x)) - expected) <= 2 * np.log2(n) * UNIT * rms(expected)


@pytest.mark.parametrize("n", SIZES)
def test_irfft_undoes_rfft(n: int) -> None:
    x = np.random.default_rng(n).normal(0, 1, (20, n)).astype(np.float32)
    assert rms(irfft(rfft(x)).astype(np.float64) - x) <= 4 * np.log2(n) * UNIT * rms(x)


@pytest.mark.parametrize("n", SIZES)
def test_irfft_is_numpy_s(n: int) -> None:
    rng = np.random.default_rng(n)
    spectrum = rng.normal(0, 1, (20, n // 2 + 1, 2)).astype(np.float32)
    real_ends = spectrum.copy()
    real_ends[:, [0, -1], 1] = 0
    expected = np.fft.irfft(complex_of(real_ends))
    assert rms(irfft(spectrum) - expected) <= 2 * np.log2(n) * UNIT * rms(expected)


@pytest.mark.parametrize("n", SIZES)
def test_an_impulse_and_a_constant_are_exact(n: int) -> None:
    impulse, constant = np.zeros((1, n), np.float32), np.ones((1, n), np.float32)
    impulse[0, 0] = 1
    np.testing.assert_array_equal(complex_of(rfft(impulse)), np.ones((1, n // 2 + 1)))
    expected = np.zeros((1, n // 2 + 1))
    expected[0, 0] = n
    np.testing.assert_array_equal(complex_of(rfft(constant)), expected)


@pytest.mark.parametrize("n", SIZES)
def test_table_sizes(n: int) -> None:
    assert fft_split(n).shape == (n // 2 + 2,)
    lengths = [n // 2 // 4**k for k in range(6) if n // 2 // 4**k >= 8]
    assert fft_twiddles(n).shape == (sum(6 * (length // 4 - 1) for length in lengths),)
    pairs = np.concatenate([fft_split(n), fft_twiddles(n)]).reshape(-1, 2).astype(np.float64)
    np.testing.assert_allclose(np.hypot(pairs[:, 0], pairs[:, 1]), 1, atol=2 * UNIT)


@pytest.mark.parametrize("exponent", [0.01, 0.15, 0.3, 0.5, 2 / 3, 1.0])
def test_power(exponent: float) -> None:
    """Roundings: of the two polynomials' last steps, of `fine` and of the sum, a bit over half a unit each."""
    octaves = np.random.default_rng(1).uniform(-40, 41, 500_000)
    edges = np.nextafter(np.float32(2.0) ** np.arange(-39, 41), np.float32([[0], [np.inf]])).ravel()
    x = np.concatenate([np.exp2(octaves).astype(np.float32), edges, np.sqrt(np.float32(0.5)) * edges[5:]])
    expected = x.astype(np.float64) ** float(np.float32(exponent))
    assert np.max(np.abs(power_of(x, exponent) / expected - 1)) < 3e-7


def test_power_is_exact_where_it_can_be() -> None:
    x = np.exp2(np.arange(-40, 41)).astype(np.float32)
    np.testing.assert_array_equal(power_of(x, 1.0), x)
    np.testing.assert_array_equal(power_of(x[::2], 0.5), np.sqrt(x[::2]))
    np.testing.assert_array_equal(power_of(np.ones(1, np.float32), 0.3), 1)


@pytest.mark.parametrize("bank", [mel_analysis, mel_synthesis])
def test_banded_sums(bank) -> None:
    matrix = bank(BASE)
    x = np.random.default_rng(2).normal(0, 1, (5, matrix.columns)).astype(np.float32)
    dense = matrix.dense().astype(np.float64)
    bound = matrix.length.max() * UNIT * (np.abs(x).astype(np.float64) @ np.abs(dense).T)
    assert np.all(np.abs(banded_sums(matrix, x) - x @ dense.T) <= bound)


@pytest.mark.parametrize("feature", ["mel_magnitude", "mel_power"])
@pytest.mark.parametrize("name", SHAPES)
def test_features_against_float64(name: str, feature: str) -> None:
    config = dataclasses.replace(SHAPES[name], feature=feature)
    pcm = np.random.default_rng(3).integers(-32768, 32768, 30 * config.hop).astype(np.int16)
    tail = config.window - config.hop
    padded = np.concatenate([np.zeros(tail), pcm / 32768.0])
    frames = np.stack([padded[i : i + config.window] for i in range(0, pcm.size, config.hop)])
    spectrum = np.fft.rfft(frames * analysis_window(config), config.n_fft)
    values = np.abs(spectrum) ** (2 if feature == "mel_power" else 1)
    bands = values @ mel_analysis(config).dense().astype(np.float64).T
    analysis = analyse(config, pcm)
    assert analysis.spectrum.shape == (30, config.n_bins, 2)
    assert analysis.spectrum.dtype == analysis.features.dtype == np.float32
    np.testing.assert_allclose(complex_of(analysis.spectrum), spectrum, atol=20 * UNIT * config.n_fft**0.5)
    np.testing.assert_allclose(analysis.features, bands**config.exponent, rtol=1e-4)


@pytest.mark.parametrize("name", SHAPES)
@pytest.mark.parametrize("amplitude", [32768, 300, 1])
def test_mask_one_returns_the_input(name: str, amplitude: int) -> None:
    """Perfect reconstruction to the LSB: float32 errors are below 2^-20 of full scale, far from half an LSB."""
    config = SHAPES[name]
    pcm = np.random.default_rng(4).integers(-amplitude, amplitude, 40 * config.hop).astype(np.int16)
    analysis = analyse(config, pcm)
    output = synthesise(config, analysis.spectrum, np.ones((40, config.n_mels), np.float32))
    delay = config.latency_samples
    assert output.dtype == np.int16
    # The window's first sample is zero: where no other frame covers it, nothing can come back (not with hop <= window/2).
    np.testing.assert_array_equal(output[delay:], pcm[:-delay])
    np.testing.assert_array_equal(output[:delay], 0)


def test_silence() -> None:
    analysis = analyse(BASE, np.zeros(10 * BASE.hop, np.int16))
    assert not analysis.spectrum.any()
    np.testing.assert_array_equal(analysis.features, power_of(np.full((10, 40), FLOOR), BASE.exponent))
    assert not synthesise(BASE, analysis.spectrum, np.ones((10, 40), np.float32)).any()


@pytest.mark.parametrize("level", [32767, -32768])
def test_full_scale_clips_and_does_not_wrap(level: int) -> None:
    pcm = np.full(20 * BASE.hop, level, np.int16)
    analysis = analyse(BASE, pcm)
    output = synthesise(BASE, analysis.spectrum, np.full((20, 40), 4.0, np.float32))
    np.testing.assert_array_equal(output[BASE.window :], level)


def test_features_quantize_as_onnxruntime_but_for_minus_128() -> None:
    scale, zero_point = np.float32(0.05), 3
    steps = np.arange(-200, 200, dtype=np.float32) * np.float32(0.25)
    x = np.concatenate([steps, steps * scale, [0, 1e-12, 1e6, 2.0**40]]).astype(np.float32)
    expected = np.clip(np.rint(x / scale) + zero_point, -128, 127)
    got = quantize_features(x, float(scale), zero_point)
    assert got.dtype == np.int8
    np.testing.assert_array_equal(got, np.maximum(expected, -127))


def test_a_part_of_a_hop_is_refused() -> None:
    with pytest.raises(ValueError, match="whole hops of 256"):
        analyse(BASE, np.zeros(300, np.int16))


def test_long_recordings_are_cut_into_blocks_without_a_trace() -> None:
    config = SHAPES["smallest"]
    pcm = np.random.default_rng(5).integers(-32768, 32768, 2500 * config.hop).astype(np.int16)
    analysis = analyse(config, pcm)
    tail = analyse(config, pcm[1500 * config.hop :])
    np.testing.assert_array_equal(analysis.features[1502:], tail.features[2:])

# SPDX-License-Identifier: Apache-2.0
"""The fixed-point front end in NumPy against float64 oracles; tolerances follow from the bits that every step keeps."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from codesign.base.resources import resource
from codesign.compiler.frontend import Chain, analysis_window, mel_analysis
from codesign.compiler.frontend.q31 import exponent_q31, feature_scale_log2, fixed_point_tables, mask_scale
from codesign.compiler.layers import Value
from codesign.compiler.reference import frontend as floats
from codesign.compiler.reference.frontend_q31 import (
    analyse_q31,
    features_q31,
    irfft_q31,
    leading_zeros,
    log2_q24,
    multiply_high,
    rfft_q31,
    synthesise_q31,
)
from codesign.compiler.reference.tables_q31 import c_source, chord

SIZES = [2**k for k in range(4, 13)]
BASE = Chain(n_mels=40)
SHAPES = {
    "1/2 overlap": BASE,
    "Hann": dataclasses.replace(BASE, window_kind="hann"),
    "2/3 overlap, padded": dataclasses.replace(BASE, n_fft=256, window=192, hop=64),
    "3/4 overlap, padded": dataclasses.replace(BASE, window=400, hop=100),
    "smallest": dataclasses.replace(BASE, n_fft=16, window=16, hop=8, n_mels=9),
    "largest": dataclasses.replace(BASE, n_fft=4096, window=4096, hop=1024),
}
FEATURE = Value("features", 40, "int8", 6 / 254, -127)
MASK = Value("mask", 40, "int16", 2.0**-15)


def feature_of(config: Chain) -> Value:
    return dataclasses.replace(FEATURE, shape=(config.n_mels,))


def snr(expected: np.ndarray, found: np.ndarray) -> float:
    expected, found = expected.astype(np.float64), found.astype(np.float64)
    return float(10 * np.log10(np.sum(np.abs(expected) ** 2) / np.sum(np.abs(expected - found) ** 2)))


def tables(n: int):
    made = fixed_point_tables(dataclasses.replace(BASE, n_fft=n, window=n, hop=n // 2, n_mels=5))
    return made.fft_twiddles, made.fft_split


def test_c_tables_are_the_generator_s():
    assert resource("runtime", "dsp", "cs_tables_q31.c").read_text() == c_source()


def test_functions_by_chords():
    """Half of h²/8 · max |f''| at most where samples are shifted, all of it in the first and last chord; and 2^-24 each way."""
    rng = np.random.default_rng(0)
    m = np.concatenate([rng.integers(1, 2**32, 100_000), 2 ** np.arange(32), 2 ** np.arange(1, 33) - 1])
    chord_error = 1 / 128**2 / 8
    assert np.abs(log2_q24(m) / 2**24 - np.log2(m)).max() <= chord_error / np.log(2) + 2**-22
    t = np.arange(0, 1 << 24, 13)
    power = chord("exp2", t >> 17, (t >> 3) & 0x3FFF) / 2**24
    assert np.abs(power / np.exp2(t / 2**24) - 1).max() <= chord_error * np.log(2) ** 2 + 2**-22
    v = np.concatenate([rng.integers(2**30, 2**32, 100_000), [2**30, 2**32 - 1]])
    root = chord("sqrt", (v >> 24) - 64, (v >> 10) & 0x3FFF) / 2**24
    assert np.abs(root / np.sqrt(v / 2**32) - 1).max() <= 1 / 256**2 / 8 * 2 / 0.5 + 2**-22


@pytest.mark.parametrize("n", SIZES)
@pytest.mark.parametrize("shape", ["noise", "sine", "impulse", "constant", "square"])
def test_rfft_is_numpy_s(n, shape):
    """Two floors a product, halved or quartered by every later stage: an RMS error of a few units after log2(n) halvings."""
    rng = np.random.default_rng(n)
    x = {
        "noise": rng.integers(-(2**28), 2**28, (20, n)),
        "sine": np.rint(2**28 * np.sin(rng.uniform(0, np.pi, (20, 1)) * np.arange(n))).astype(np.int64),
        "impulse": np.where(np.arange(n) == rng.integers(0, n, (20, 1)), 2**28, 0),
        "constant": np.full((20, n), -(2**28)),
        "square": np.where(np.arange(n) // rng.integers(1, n, (20, 1)) % 2, 2**28, -(2**28)),
    }[shape]
    found = rfft_q31(x, *tables(n))
    assert np.abs(found).max() <= 2**28.5  # the claim that nothing overflows
    expected = np.fft.rfft(x) / n
    error = found[..., 0] + 1j * found[..., 1] - expected
    assert np.sqrt(np.mean(np.abs(error) ** 2)) <= 3.0


@pytest.mark.parametrize("n", SIZES)
@pytest.mark.parametrize("lines", ["one", "all"])
def test_irfft_is_numpy_s_and_keeps_the_bits_of_tones(n, lines):
    rng = np.random.default_rng(n)
    spectrum = rng.integers(-(2**28) + 1, 2**28, (20, n // 2 + 1, 2))
    if lines == "one":
        spectrum *= (np.arange(n // 2 + 1) == rng.integers(1, n // 2, (20, 1)))[..., None]
    spectrum[:, [0, -1], 1] = 0
    bits = np.ceil(np.log2(np.abs(spectrum).sum(axis=(1, 2)))).astype(np.int64)
    found, up = irfft_q31(spectrum, bits, *tables(n))
    assert np.abs(found).max() < 2**30
    expected = np.fft.irfft(spectrum[..., 0] + 1j * spectrum[..., 1]) / 2 * 2.0 ** up[:, None]
    if lines == "one":  # nothing is halved on the way, so that the errors of all stages stay
        assert snr(expected, found) > 140
    else:
        assert np.sqrt(np.mean((found - expected) ** 2)) <= 3.0


@pytest.mark.parametrize("amplitude", [32768, 300, 33])
@pytest.mark.parametrize("name", SHAPES)
def test_spectrum_keeps_more_than_pcm_has(name, amplitude):
    """98 dB are 16 bits at full scale; a quiet frame has as many bits as a loud one, because it is shifted up first."""
    config, rng = SHAPES[name], np.random.default_rng(1)
    pcm = rng.integers(-amplitude, amplitude, 30 * config.hop).astype(np.int16)
    found = analyse_q31(config, pcm)
    expected = floats.analyse(config, pcm).spectrum
    assert snr(expected, found.values * (config.n_fft / 2.0 ** (12 + found.gain))[:, None, None]) > 108


@pytest.mark.parametrize("feature", ["mel_magnitude", "mel_power"])
@pytest.mark.parametrize("name", SHAPES)
@pytest.mark.parametrize("amplitude", [32768, 33])
def test_features_are_those_of_floats_within_one(name, feature, amplitude):
    config = dataclasses.replace(SHAPES[name], feature=feature, exponent=0.15 if feature == "mel_power" else 0.3)
    pcm = np.random.default_rng(3).integers(-amplitude, amplitude, 60 * config.hop).astype(np.int16)
    value = feature_of(config)
    found = features_q31(config, analyse_q31(config, pcm), value).astype(np.int32)
    expected = floats.quantize_features(floats.analyse(config, pcm).features, value.scale, value.zero_point)
    assert np.abs(found - expected).max() <= 1
    assert np.mean(found != expected) < 0.01


@pytest.mark.parametrize("name", SHAPES)
@pytest.mark.parametrize("amplitude", [32768, 300, 1])
def test_mask_one_returns_the_input(name, amplitude):
    """A gain of 1 that int8 masks can have; the errors are far from half an LSB."""
    config = SHAPES[name]
    pcm = np.random.default_rng(4).integers(-amplitude, amplitude, 40 * config.hop).astype(np.int16)
    mask = Value("mask", config.n_mels, "int8", 1.0 / 255.0, -128)
    ones = np.full((40, config.n_mels), 127)
    output = synthesise_q31(config, analyse_q31(config, pcm), ones, mask)
    delay = config.latency_samples
    np.testing.assert_array_equal(output[delay:], pcm[:-delay])
    np.testing.assert_array_equal(output[:delay], 0)


@pytest.mark.parametrize("name", SHAPES)
def test_any_mask_gives_what_floats_give_within_one(name):
    config, rng = SHAPES[name], np.random.default_rng(5)
    pcm = rng.normal(0, 5000, 40 * config.hop).clip(-32768, 32767).astype(np.int16)
    masks = rng.integers(0, 32768, (40, config.n_mels)).astype(np.int16)
    found = synthesise_q31(config, analyse_q31(config, pcm), masks, dataclasses.replace(MASK, shape=(config.n_mels,)))
    gains = masks.astype(np.float32) * np.float32(2.0**-15)
    expected = floats.synthesise(config, floats.analyse(config, pcm).spectrum, gains)
    assert np.abs(found.astype(np.int32) - expected).max() <= 1
    assert np.mean(found != expected) < 0.02


def test_silence():
    spectrum = analyse_q31(BASE, np.zeros(10 * BASE.hop, np.int16))
    assert not spectrum.values.any()
    floor = 2.0 ** (-40 * BASE.exponent) / FEATURE.scale
    np.testing.assert_array_equal(features_q31(BASE, spectrum, FEATURE), round(floor) - 127)
    assert not synthesise_q31(BASE, spectrum, np.full((10, 40), 32767), MASK).any()


@pytest.mark.parametrize("level", [32767, -32768])
@pytest.mark.parametrize("scale", [4 * 2.0**-15, 1.0, 1e9])
def test_full_scale_clips_and_does_not_wrap(level, scale):
    pcm = np.full(20 * BASE.hop, level, np.int16)
    mask = dataclasses.replace(MASK, scale=scale)
    output = synthesise_q31(BASE, analyse_q31(BASE, pcm), np.full((20, 40), 32767), mask)
    np.testing.assert_array_equal(output[BASE.window :], 32767 if level > 0 else -32768)


def test_tiny_gains_are_silence():
    pcm = np.full(20 * BASE.hop, 32767, np.int16)
    mask = dataclasses.replace(MASK, scale=1e-30)
    assert set(synthesise_q31(BASE, analyse_q31(BASE, pcm), np.full((20, 40), 32767), mask).tolist()) <= {0, -1}


def test_scales():
    assert exponent_q31(1.0) == 2**31 - 1
    assert exponent_q31(0.5) == 2**30
    assert feature_scale_log2(0.25) == -2 << 24
    assert feature_scale_log2(1e-30) == -64 << 24
    for scale, zero_point, dtype in (
        (2.0**-15, 0, "int16"),
        (1 / 255, -128, "int8"),
        (3.7, 5, "int16"),
        (1 - 1e-17, 0, "int8"),
    ):
        found, info = mask_scale(scale, zero_point, dtype), np.iinfo(dtype)
        assert 2**30 <= found.multiplier < 2**31
        assert found.multiplier * 2.0 ** (found.exponent - 31) == pytest.approx(scale, rel=2**-31)
        assert (info.min - zero_point) << found.shift >= -(2**31)
        assert (info.max - zero_point) << found.shift < 2**31


def test_words():
    a = np.array([2**31 - 1, -(2**31), -1, 1, 0])
    np.testing.assert_array_equal(multiply_high(a, -(2**31)), [-(2**30) + 0, 2**30, 0, -1, 0])
    np.testing.assert_array_equal(leading_zeros(np.array([0, 1, 2, 2**31, 2**32 - 1])), [31, 31, 30, 0, 0])


def test_bins_of_a_band_lie_where_the_dense_matrix_has_them():
    config = SHAPES["smallest"]
    made = fixed_point_tables(config)
    dense = mel_analysis(config).dense()
    np.testing.assert_allclose(made.mel_weights / 2.0**29, dense[dense > 0], atol=2**-29)
    np.testing.assert_allclose(made.analysis_window / 2.0**29, analysis_window(config), atol=2**-29)


def test_a_part_of_a_hop_is_refused():
    with pytest.raises(ValueError, match="whole hops of 256"):
        analyse_q31(BASE, np.zeros(300, np.int16))


def test_long_recordings_are_cut_into_blocks_without_a_trace():
    config = SHAPES["smallest"]
    pcm = np.random.default_rng(5).integers(-32768, 32768, 2500 * config.hop).astype(np.int16)
    whole, tail = analyse_q31(config, pcm), analyse_q31(config, pcm[1500 * config.hop :])
    np.testing.assert_array_equal(whole.values[1502:], tail.values[2:])

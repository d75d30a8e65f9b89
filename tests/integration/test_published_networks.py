# SPDX-License-Identifier: Apache-2.0
"""The presets around the networks themselves, in onnxruntime, against their own scripts: the same sound."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import scipy.signal

from chains import chain_of
from codesign.compiler.frontend import Chain
from codesign.compiler.reference.frontend import analyse, handed_over, synthesise

NETWORKS = Path(os.environ.get("CODESIGN_NETWORKS", Path(__file__).parents[3] / "shared" / "networks"))


class Steps:
    """A network of one step in onnxruntime, its states from zero: features in the shape of its first input → first output."""

    def __init__(self, name: str) -> None:
        onnxruntime = pytest.importorskip("onnxruntime")
        path = NETWORKS / name
        if not path.is_file():
            pytest.skip(f"{path} is not there: CODESIGN_NETWORKS names the folder of published networks")
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        self._session = onnxruntime.InferenceSession(path, options)
        first, *states = self._session.get_inputs()
        self._first, self._shape = first.name, [d if isinstance(d, int) else 1 for d in first.shape]
        self._states = {state.name: np.zeros(state.shape, np.float32) for state in states}

    def __call__(self, features: np.ndarray) -> np.ndarray:
        given = {self._first: features.astype(np.float32).reshape(self._shape)}
        output, *states = self._session.run(None, given | self._states)
        self._states = dict(zip(self._states, states, strict=True))
        return output.reshape(-1)


def speech_like(n: int) -> np.ndarray:
    """Harmonics that come and go, and noise."""
    t = np.arange(n) / 16000
    voice = sum(np.sin(2 * np.pi * 140 * k * t + k) / k for k in range(1, 20)) * np.maximum(0, np.sin(2 * np.pi * 2.5 * t))
    return np.rint(3000 * voice + np.random.default_rng(0).normal(0, 500, n)).astype(np.int16)


def ours(chain: Chain, pcm: np.ndarray, step: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
    analysis = analyse(chain, pcm)
    outputs = np.stack([step(row) for row in analysis.features])
    return synthesise(chain, analysis.spectrum, outputs) / 32768.0


def snr_db(expected: np.ndarray, found: np.ndarray) -> float:
    return float(10 * np.log10(np.sum(expected**2) / np.sum((expected - found) ** 2)))


ROUNDING_DB = 45.0
"""int16 output of some 30 dB below full scale has a rounding noise that far below it."""


def test_dtln_s_two_networks():
    """real_time_processing_onnx.py, whole: what the first chain's frames become is what the second's network is given."""
    pcm = speech_like(128 * 250)
    first, second = Steps("dtln_1.onnx"), Steps("dtln_2.onnx")
    in_buffer, out_buffer, expected, estimates = np.zeros(512, np.float32), np.zeros(512, np.float32), [], []
    for block in (pcm / 32768.0).astype(np.float32).reshape(-1, 128):
        in_buffer = np.concatenate([in_buffer[128:], block])
        spectrum = np.fft.rfft(in_buffer)
        magnitude = np.abs(spectrum).astype(np.float32)
        estimate = np.fft.irfft(magnitude * first(magnitude) * np.exp(1j * np.angle(spectrum))).astype(np.float32)
        estimates.append(estimate)
        out_buffer = np.concatenate([out_buffer[128:], np.zeros(128, np.float32)]) + second(estimate)
        expected.append(out_buffer[:128])
    alone = np.zeros(512 + 128 * 249)
    for t, estimate in enumerate(estimates):
        alone[128 * t : 128 * t + 512] += estimate / 4
    assert snr_db(alone[: pcm.size], ours(chain_of(preset="dtln-1"), pcm, Steps("dtln_1.onnx"))) > ROUNDING_DB
    one, two, first, second = chain_of(preset="dtln-1"), chain_of(preset="dtln-2"), Steps("dtln_1.onnx"), Steps("dtln_2.onnx")
    analysis = analyse(one, pcm)
    between = handed_over(one, two, analysis.spectrum, np.stack([first(row) for row in analysis.features]))
    found = synthesise(two, between.spectrum, np.stack([second(row) for row in between.features])) / 32768.0
    assert snr_db(np.concatenate(expected), found) > ROUNDING_DB


def test_nsnet2():
    """enhance_onnx.py and featurelib.py: all frames in one call, as its states are inside of it."""
    pcm = speech_like(160 * 200)
    window = np.sqrt(np.hanning(320))
    frames = np.lib.stride_tricks.sliding_window_view(np.concatenate([np.zeros(160), pcm / 32768.0]), 320)[::160]
    spectra = np.fft.rfft(frames * window, 320)
    features = np.log10(np.maximum(np.abs(spectra) ** 2, 1e-12)).astype(np.float32)
    session = Steps("nsnet2.onnx")._session
    gains = np.clip(session.run(None, {"input": features[None]})[0][0], 1e-4, 1.0)
    expected = np.zeros(160 * 201)
    for t, row in enumerate(np.fft.irfft(spectra * gains, 320)):
        expected[160 * t : 160 * t + 320] += window * row
    chain = chain_of(preset="nsnet2")
    analysis = analyse(chain, pcm)
    outputs = session.run(None, {"input": analysis.features[None]})[0][0]
    found = synthesise(chain, analysis.spectrum, outputs) / 32768.0
    assert snr_db(expected[: pcm.size], found) > ROUNDING_DB


def test_gtcrn():
    """infer.py's torch.stft and istft by scipy, frame by frame through the streaming network."""
    pcm, step = speech_like(256 * 120), Steps("gtcrn.onnx")
    window = scipy.signal.get_window("hann", 512) ** 0.5
    padded = np.concatenate([np.zeros(256), pcm / 32768.0])
    expected = np.zeros(padded.size)
    for t in range(120):
        spectrum = np.fft.rfft(padded[256 * t : 256 * t + 512] * window)
        enhanced = step(np.stack([spectrum.real, spectrum.imag], axis=-1)).reshape(257, 2)
        expected[256 * t : 256 * t + 512] += window * np.fft.irfft(enhanced[:, 0] + 1j * enhanced[:, 1])
    assert snr_db(expected[: pcm.size], ours(chain_of(preset="gtcrn"), pcm, Steps("gtcrn.onnx"))) > ROUNDING_DB

# SPDX-License-Identifier: Apache-2.0
"""The fixed-point front end of runtime/dsp, compiled for this machine, against its NumPy reference: every bit."""

from __future__ import annotations

import ctypes
import dataclasses
from ctypes import Structure, byref, c_int16, c_int32, c_uint8, c_uint16, c_uint32, c_void_p

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_frontend_c import CONFIGS, Banded, signals

from codesign.base.resources import resource
from codesign.compiler.frontend import Chain
from codesign.compiler.frontend.q31 import exponent_q31, feature_scale_log2, fixed_point_tables, mask_scale
from codesign.compiler.layers import Value
from codesign.compiler.reference.frontend_q31 import analyse_q31, features_q31, synthesise_q31
from codesign.firmware.toolchain.compilers import COMMON_FLAGS
from shared_library import shared_library

pytestmark = pytest.mark.slow  # the file as a whole


class Fft(Structure):
    _fields_ = (("n", c_uint16), ("log2_n", c_uint8), ("twiddles", c_void_p), ("split", c_void_p))


class CFrontEnd(Structure):
    _fields_ = (
        ("sample_rate", c_uint32),
        *((name, c_uint16) for name in ("n_fft", "window", "hop", "n_mels")),
        ("analysis_window", c_void_p),
        ("synthesis_window", c_void_p),
        ("fft", Fft),
        ("mel", Banded),
        ("bins", Banded),
        ("power", c_uint8),
        ("mask_is_int16", c_uint8),
        *(
            (name, c_int32)
            for name in ("exponent", "feature_scale_log2", "feature_zero_point", "mask_zero_point", "mask_multiplier")
        ),
        ("mask_exponent", c_int16),
        ("mask_shift", c_uint8),
    )


class Spread(Structure):
    _fields_ = (("headroom", c_int32), ("bits", c_int32))


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> ctypes.CDLL:
    sources = resource("runtime", "dsp").glob("*.c")
    library = shared_library(sources, tmp_path_factory.mktemp("q31"), (*COMMON_FLAGS, "-Wconversion"))
    library.cs_apply_mask_q31.restype = Spread
    library.cs_synthesis_q31.argtypes = (c_void_p, c_void_p, c_int32, Spread, c_void_p, c_void_p, c_void_p)
    return library


class Enhancer:
    """The four stages with a mask that is given, one frame after another."""

    def __init__(self, library: ctypes.CDLL, config: Chain, feature: Value, mask: Value):
        self.library, self.config = library, config
        self.keep: list[np.ndarray] = []
        tables, scale = fixed_point_tables(config), mask_scale(mask.scale, mask.zero_point, mask.dtype)
        self.front = CFrontEnd(
            config.sample_rate,
            *(config.n_fft, config.window, config.hop, config.n_mels),
            *(self.at(tables.analysis_window), self.at(tables.synthesis_window)),
            Fft(config.n_fft, config.n_fft.bit_length() - 1, self.at(tables.fft_twiddles), self.at(tables.fft_split)),
            *(self.banded(tables.mel, tables.mel_weights), self.banded(tables.bins, tables.bins_weights)),
            *(config.feature == "mel_power", mask.dtype == "int16"),
            *(exponent_q31(config.exponent), feature_scale_log2(feature.scale), feature.zero_point),
            *(mask.zero_point, scale.multiplier, scale.exponent, scale.shift),
        )
        tail = config.window - config.hop
        self.history, self.overlap = np.zeros(tail, np.int16), np.zeros(tail, np.int32)

    def at(self, array: np.ndarray) -> int:
        self.keep.append(np.ascontiguousarray(array))
        return self.keep[-1].ctypes.data

    def banded(self, matrix, weights: np.ndarray) -> Banded:
        return Banded(matrix.rows, matrix.columns, self.at(matrix.start), self.at(matrix.length), self.at(weights))

    def frame(self, pcm: np.ndarray, mask: np.ndarray) -> tuple[np.ndarray, int, np.ndarray, np.ndarray]:
        front, (spectrum, work) = byref(self.front), np.zeros((2, self.config.n_fft + 2), np.int32)
        features, out = np.zeros(self.config.n_mels, np.int8), np.zeros(self.config.hop, np.int16)
        pcm, mask = np.ascontiguousarray(pcm), np.ascontiguousarray(mask)
        data = [c_void_p(array.ctypes.data) for array in (self.history, pcm, spectrum, work, features, mask, self.overlap, out)]
        history, source, bins, scratch, target, gains, overlap, played = data
        gain = self.library.cs_analysis_q31(front, history, source, bins, scratch)
        analysed = spectrum.copy()
        self.library.cs_features_q31(front, bins, c_int32(gain), scratch, target)
        np.testing.assert_array_equal(spectrum, analysed)
        spread = self.library.cs_apply_mask_q31(front, gains, bins, scratch)
        self.library.cs_synthesis_q31(front, bins, gain, spread, scratch, overlap, played)
        return analysed, gain, features, out


def check_equal(library, config: Chain, pcm: np.ndarray, masks: np.ndarray, scale=2.0**-15, zero=0) -> None:
    feature = Value("features", config.n_mels, "int8", 0.05, -127)
    mask = Value("mask", config.n_mels, str(masks.dtype), scale, zero)
    enhancer = Enhancer(library, config, feature, mask)
    frames = [enhancer.frame(block, row) for block, row in zip(pcm.reshape(-1, config.hop), masks, strict=True)]
    spectra, gains, features, out = (list(column) for column in zip(*frames, strict=True))
    expected = analyse_q31(config, pcm)
    np.testing.assert_array_equal(np.stack(spectra).reshape(expected.values.shape), expected.values)
    np.testing.assert_array_equal(gains, expected.gain)
    np.testing.assert_array_equal(np.stack(features), features_q31(config, expected, feature))
    np.testing.assert_array_equal(np.concatenate(out), synthesise_q31(config, expected, masks, mask))


def masks_for(rng: np.random.Generator, config: Chain, frames: int, dtype: type = np.int16) -> np.ndarray:
    info = np.iinfo(dtype)
    return rng.integers(info.min, info.max, (frames, config.n_mels), endpoint=True).astype(dtype)


@pytest.mark.parametrize("name", CONFIGS)
def test_every_bit_is_the_reference_s(library, name):
    config, rng = CONFIGS[name], np.random.default_rng(3)
    for signal in signals(rng, 12 * config.hop).values():
        pcm = np.clip(np.rint(signal), -32768, 32767).astype(np.int16)
        check_equal(library, config, pcm, masks_for(rng, config, 12))
        check_equal(library, config, pcm, np.full((12, config.n_mels), 32767, np.int16))


@pytest.mark.parametrize("scale", [1 / 255, 1000.0, 1e-30, 1e30])
@pytest.mark.parametrize("zero", [-128, 0, 127])
def test_int8_masks_of_any_scale(library, scale, zero):
    config, rng = CONFIGS["128/128/64"], np.random.default_rng(4)
    pcm = rng.integers(-32768, 32768, 20 * config.hop).astype(np.int16)
    check_equal(library, config, pcm, masks_for(rng, config, 20, np.int8), scale, zero)


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_any_pcm(library, data):
    config = CONFIGS[data.draw(st.sampled_from([name for name in CONFIGS if name != "4096/4096/1024"]))]
    if data.draw(st.booleans()):
        config = dataclasses.replace(config, exponent=data.draw(st.sampled_from((0.01, 0.3, 1.0))))
    frames = data.draw(st.integers(1, 6))
    seed, amplitude = data.draw(st.integers(0, 2**32 - 1)), data.draw(st.sampled_from((1, 3, 100, 32767)))
    rng = np.random.default_rng(seed)
    pcm = rng.integers(-amplitude - 1, amplitude, frames * config.hop, endpoint=True)
    clicks = st.tuples(st.integers(0, pcm.size - 1), st.integers(-32768, 32767))
    for at, value in data.draw(st.lists(clicks, max_size=9)):
        pcm[at] = value
    scale, zero = data.draw(st.sampled_from((2.0**-15, 2.0**-20, 1.7e-4, 0.3))), data.draw(st.sampled_from((0, -32768, 77)))
    check_equal(library, config, pcm.astype(np.int16), masks_for(rng, config, frames), scale, zero)

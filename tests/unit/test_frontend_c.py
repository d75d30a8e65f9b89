# SPDX-License-Identifier: Apache-2.0
"""runtime/dsp and runtime/enhancer.c, compiled for this machine, against the NumPy reference: every bit."""

from __future__ import annotations

import ctypes
import dataclasses
from ctypes import (
    CFUNCTYPE,
    POINTER,
    Structure,
    byref,
    c_char_p,
    c_float,
    c_int,
    c_int32,
    c_size_t,
    c_uint8,
    c_uint16,
    c_uint32,
    c_void_p,
)
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from codesign.base.resources import resource
from codesign.compiler.frontend import Chain, analysis_window, mel_analysis, mel_synthesis, synthesis_window
from codesign.compiler.frontend.fft_tables import fft_split, fft_twiddles
from codesign.compiler.reference import frontend as reference
from codesign.firmware.toolchain.compilers import COMMON_FLAGS
from shared_library import shared_library

pytestmark = pytest.mark.slow  # the file as a whole

HEADER_BYTES = 32
FEATURE_SCALE, FEATURE_ZERO_POINT = 0.05, -127
BASE = Chain(n_mels=40, exponent=0.3)
CONFIGS = {
    "512/512/256": dataclasses.replace(BASE, n_mels=128),
    "512/512/256 power": dataclasses.replace(BASE, n_mels=128, feature="mel_power", exponent=0.15),
    "128/128/64": dataclasses.replace(BASE, n_fft=128, window=128, hop=64, window_kind="hann"),
    "256/192/64": dataclasses.replace(BASE, n_fft=256, window=192, hop=64, feature="mel_power", exponent=0.5),
    "512/400/100": dataclasses.replace(BASE, window=400, hop=100, exponent=1.0),
    "16/16/8": dataclasses.replace(BASE, n_fft=16, window=16, hop=8, n_mels=9, window_kind="hann"),
    "4096/4096/1024": dataclasses.replace(BASE, n_fft=4096, window=4096, hop=1024, exponent=0.25),
}


class Fft(Structure):
    _fields_ = (("n", c_uint16), ("twiddles", c_void_p), ("split", c_void_p))


class Banded(Structure):
    _fields_ = (
        ("rows", c_uint16),
        ("columns", c_uint16),
        ("start", c_void_p),
        ("length", c_void_p),
        ("weights", c_void_p),
    )


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
        ("exponent", c_float),
        ("feature_scale", c_float),
        ("feature_zero_point", c_int32),
        ("mask_scale", c_float),
        ("mask_zero_point", c_int32),
    )


class Layout(Structure):
    _fields_ = tuple((name, c_uint32) for name in ("history", "overlap", "spectrum", "work", "features", "mask", "bytes"))


RESET, STEP = CFUNCTYPE(None, c_void_p), CFUNCTYPE(c_int, c_void_p)


class Model(Structure):
    _fields_ = (
        ("name", c_char_p),
        ("frontend", POINTER(CFrontEnd)),
        ("layout", Layout),
        ("reset", RESET),
        ("step", STEP),
        ("frame", c_void_p),
    )


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> ctypes.CDLL:
    root: Path = resource("runtime")
    sources = [*root.glob("*.c"), *(root / "dsp").glob("*.c")]
    library = shared_library(sources, tmp_path_factory.mktemp("frontend"), (*COMMON_FLAGS, "-Wconversion"))
    library.cs_enhancer_size.restype = c_size_t
    library.cs_enhancer_size.argtypes = (c_void_p,)
    library.cs_enhancer_init.argtypes = (c_void_p, c_void_p, c_size_t)
    library.cs_enhancer_process.argtypes = (c_void_p, c_void_p, c_void_p, c_size_t)
    for name in ("cs_enhancer_frames", "cs_enhancer_skipped"):
        getattr(library, name).restype = c_uint32
        getattr(library, name).argtypes = (c_void_p,)
    for name in ("cs_rfft", "cs_irfft"):
        getattr(library, name).argtypes = (c_void_p, c_void_p, c_void_p)
    return library


class Enhancer:
    """An enhancer whose network is Python: it replays `masks`, and records the features and spectra that it sees."""

    def __init__(self, library: ctypes.CDLL, config: Chain, masks: np.ndarray, mask_scale=2.0**-15, mask_zero=0):
        self.library, self.config, self.masks = library, config, masks
        self.features: list[np.ndarray] = []
        self.spectra: list[np.ndarray] = []
        self.keep: list[np.ndarray] = []
        self.front = CFrontEnd(
            config.sample_rate,
            config.n_fft,
            config.window,
            config.hop,
            config.n_mels,
            self.pointer(analysis_window(config)),
            self.pointer(synthesis_window(config)),
            Fft(config.n_fft, self.pointer(fft_twiddles(config.n_fft)), self.pointer(fft_split(config.n_fft))),
            self.banded(mel_analysis(config)),
            self.banded(mel_synthesis(config)),
            config.feature == "mel_power",
            masks.dtype == np.int16,
            config.exponent,
            FEATURE_SCALE,
            FEATURE_ZERO_POINT,
            mask_scale,
            mask_zero,
        )
        tail, spectrum = config.window - config.hop, 4 * (config.n_fft + 2)
        sizes = (2 * tail, 4 * tail, spectrum, spectrum, config.n_mels, 2 * config.n_mels)
        ends = np.cumsum([(size + 7) // 8 * 8 for size in sizes]).tolist()
        self.layout = Layout(0, *ends)
        self.callbacks = (RESET(lambda _: None), STEP(self.step), ctypes.cast(library.cs_frame_float32, c_void_p))
        self.model = Model(b"test", ctypes.pointer(self.front), self.layout, *self.callbacks)
        size = library.cs_enhancer_size(byref(self.model))
        self.memory = np.full(size // 8 + 1, 0xA5A5A5A5A5A5A5A5, np.uint64)  # every byte dirty
        self.guard = self.memory[-1]
        assert self.init() == 0

    def pointer(self, array: np.ndarray) -> int:
        self.keep.append(np.ascontiguousarray(array))
        return self.keep[-1].ctypes.data

    def banded(self, matrix) -> Banded:
        arrays = (matrix.start, matrix.length, matrix.weights)
        return Banded(matrix.rows, matrix.columns, *(self.pointer(a) for a in arrays))

    def init(self) -> int:
        return self.library.cs_enhancer_init(byref(self.model), self.memory.ctypes.data, 8 * (self.memory.size - 1))

    def arena(self, offset: int, dtype: type, count: int) -> np.ndarray:
        raw = self.memory.view(np.uint8)[HEADER_BYTES + offset :]
        return raw[: count * np.dtype(dtype).itemsize].view(dtype)

    def step(self, _memory: int) -> int:
        frame = len(self.features)
        self.features.append(self.arena(self.layout.features, np.int8, self.config.n_mels).copy())
        self.spectra.append(self.arena(self.layout.spectrum, np.float32, 2 * self.config.n_bins).copy())
        self.arena(self.layout.mask, self.masks.dtype.type, self.config.n_mels)[:] = self.masks[frame]
        return frame % 3 != 1

    def process(self, pcm: np.ndarray, out: np.ndarray | None = None) -> np.ndarray:
        out = np.empty_like(pcm) if out is None else out
        hops = pcm.size // self.config.hop
        assert self.library.cs_enhancer_process(self.memory.ctypes.data, pcm.ctypes.data, out.ctypes.data, hops) == 0
        assert self.memory[-1] == self.guard
        return out


def bits(values: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(values, np.float32).view(np.uint32)


def check_equal(library, config: Chain, pcm: np.ndarray, masks: np.ndarray, scale: float, zero: int) -> None:
    enhancer = Enhancer(library, config, masks, scale, zero)
    output = enhancer.process(pcm)
    analysis = reference.analyse(config, pcm)
    expected = reference.quantize_features(analysis.features, FEATURE_SCALE, FEATURE_ZERO_POINT)
    gains = (masks.astype(np.float32) - np.float32(zero)) * np.float32(scale)
    spectra = np.stack(enhancer.spectra).reshape(analysis.spectrum.shape)
    np.testing.assert_array_equal(bits(spectra), bits(analysis.spectrum))
    np.testing.assert_array_equal(np.stack(enhancer.features), expected)
    np.testing.assert_array_equal(output, reference.synthesise(config, analysis.spectrum, gains))


def masks_for(rng: np.random.Generator, config: Chain, frames: int, dtype: type = np.int16) -> np.ndarray:
    info = np.iinfo(dtype)
    return rng.integers(info.min, info.max, (frames, config.n_mels), endpoint=True).astype(dtype)


def signals(rng: np.random.Generator, n: int) -> dict[str, np.ndarray]:
    impulses = np.zeros(n)
    impulses[rng.integers(0, n, 5)] = (32767, -32768, 1, -1, 12345)
    return {
        "noise": rng.integers(-32768, 32768, n),
        "quiet": rng.integers(-1, 2, n),
        "silence": np.zeros(n),
        "impulses": impulses,
        "highest": np.full(n, 32767),
        "lowest": np.full(n, -32768),
        "Nyquist": np.where(np.arange(n) % 2, -32768, 32767),
        "sine": 32767 * np.sin(np.arange(n) * 0.1),
        "fading": rng.normal(0, 8000, n) * np.exp(-np.arange(n) * 20 / n),
    }


@pytest.mark.parametrize("name", CONFIGS)
def test_every_bit_is_the_reference_s(library: ctypes.CDLL, name: str) -> None:
    config, rng = CONFIGS[name], np.random.default_rng(3)
    frames = 12
    for signal in signals(rng, frames * config.hop).values():
        pcm = np.clip(np.rint(signal), -32768, 32767).astype(np.int16)
        check_equal(library, config, pcm, masks_for(rng, config, frames), 2.0**-15, 0)


def test_an_int8_mask_with_a_zero_point(library: ctypes.CDLL) -> None:
    config, rng = CONFIGS["128/128/64"], np.random.default_rng(4)
    pcm = rng.integers(-32768, 32768, 20 * config.hop).astype(np.int16)
    check_equal(library, config, pcm, masks_for(rng, config, 20, np.int8), 1 / 255, -127)


def test_gains_far_above_one_clip(library: ctypes.CDLL) -> None:
    config, rng = CONFIGS["128/128/64"], np.random.default_rng(5)
    pcm = rng.integers(-32768, 32768, 20 * config.hop).astype(np.int16)
    check_equal(library, config, pcm, masks_for(rng, config, 20), 1000.0, 0)


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_any_pcm(library: ctypes.CDLL, data: st.DataObject) -> None:
    config = CONFIGS[data.draw(st.sampled_from([name for name in CONFIGS if name != "4096/4096/1024"]))]
    frames = data.draw(st.integers(1, 6))
    seed, amplitude = data.draw(st.integers(0, 2**32 - 1)), data.draw(st.sampled_from((1, 3, 100, 32767)))
    rng = np.random.default_rng(seed)
    pcm = rng.integers(-amplitude - 1, amplitude, frames * config.hop, endpoint=True)
    clicks = st.tuples(st.integers(0, pcm.size - 1), st.integers(-32768, 32767))
    for at, value in data.draw(st.lists(clicks, max_size=9)):
        pcm[at] = value
    scale = data.draw(st.sampled_from((2.0**-15, 2.0**-20, 1e-30, 1.7e-4)))
    check_equal(library, config, pcm.astype(np.int16), masks_for(rng, config, frames), scale, 0)


@pytest.mark.parametrize("name", CONFIGS)
@pytest.mark.parametrize("magnitude", [1.0, 1e-38, 1e-44, 1e30])
def test_fft_and_inverse(library: ctypes.CDLL, name: str, magnitude: float) -> None:
    """Also far outside of the range of PCM: subnormals must not be flushed."""
    n, rng = CONFIGS[name].n_fft, np.random.default_rng(6)
    tables = fft_twiddles(n), fft_split(n)
    fft = Fft(n, *(table.ctypes.data for table in tables))
    data, work = np.zeros(n + 2, np.float32), np.zeros(n + 2, np.float32)
    x = (rng.normal(0, 1, n) * magnitude).astype(np.float32)
    data[:n] = x
    library.cs_rfft(byref(fft), data.ctypes.data, work.ctypes.data)
    spectrum = reference.rfft(x[None])
    np.testing.assert_array_equal(bits(data), bits(spectrum).reshape(-1))
    library.cs_irfft(byref(fft), data.ctypes.data, work.ctypes.data)
    np.testing.assert_array_equal(bits(data[:n]), bits(reference.irfft(spectrum)).reshape(-1))


def test_calls_of_any_length_in_place_and_after_reset(library: ctypes.CDLL) -> None:
    config, rng = CONFIGS["512/400/100"], np.random.default_rng(7)
    pcm = rng.integers(-32768, 32768, 12 * config.hop).astype(np.int16)
    enhancer = Enhancer(library, config, masks_for(rng, config, 12))
    once = enhancer.process(pcm)
    assert library.cs_enhancer_frames(enhancer.memory.ctypes.data) == 12
    assert library.cs_enhancer_skipped(enhancer.memory.ctypes.data) == 4

    assert enhancer.init() == 0
    enhancer.features.clear()
    assert library.cs_enhancer_frames(enhancer.memory.ctypes.data) == 0
    for hops in ((0, 1), (1, 6), (6, 6), (6, 12)):
        part = pcm[slice(*(hop * config.hop for hop in hops))]
        np.testing.assert_array_equal(enhancer.process(part, out=part), part)  # in place
    np.testing.assert_array_equal(pcm, once)


def test_bad_arguments(library: ctypes.CDLL) -> None:
    config = CONFIGS["128/128/64"]
    enhancer = Enhancer(library, config, np.zeros((4, config.n_mels), np.int16))
    model, memory, size = byref(enhancer.model), enhancer.memory.ctypes.data, 8 * (enhancer.memory.size - 1)
    pcm = np.zeros(config.hop, np.int16).ctypes.data
    assert library.cs_enhancer_size(None) == 0
    assert library.cs_enhancer_init(None, memory, size) == 1
    assert library.cs_enhancer_init(model, None, size) == 1
    assert library.cs_enhancer_init(model, memory + 4, size) == 1
    assert library.cs_enhancer_init(model, memory, library.cs_enhancer_size(model) - 1) == 1
    assert library.cs_enhancer_process(None, pcm, pcm, 1) == 1
    assert library.cs_enhancer_process(memory, None, pcm, 1) == 1
    assert library.cs_enhancer_process(memory, pcm, None, 1) == 1
    assert library.cs_enhancer_process(memory, pcm, pcm, 0) == 0
    never = np.zeros_like(enhancer.memory)
    assert library.cs_enhancer_process(never.ctypes.data, pcm, pcm, 1) == 1
    assert library.cs_enhancer_frames(never.ctypes.data) == 0
    assert enhancer.features == [], "a refused call did something"
    enhancer.front.n_mels = config.n_bins + 1  # would not fit beside the bins
    assert enhancer.init() == 1

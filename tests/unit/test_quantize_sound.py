# SPDX-License-Identifier: Apache-2.0
"""What calibration says about recordings that scales cannot be taken from."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
import soundfile

from codesign.compiler.model import load_onnx
from codesign.compiler.quantize import quantize_file
from codesign.compiler.quantize.sound import SoundMeter, warnings_of
from models import float_network

RATE, HOP = 16000, 64


def noise(seconds, level_db=-20.0, seed=0):
    rng = np.random.default_rng(seed)
    return (
        np.rint(32768 * 10 ** (level_db / 20) * rng.standard_normal(int(seconds * RATE))).clip(-32768, 32767).astype(np.int16)
    )


def sound_of(*recordings):
    meter = SoundMeter(RATE, HOP)
    for pcm in recordings:
        meter.add(pcm)
    return meter.sound()


def silence(seconds):
    return np.zeros(int(seconds * RATE), np.int16)


def square(seconds):
    return np.where(np.arange(int(seconds * RATE)) % 80 < 40, 32767, -32768).astype(np.int16)


def test_level_seconds_and_silence():
    sound = sound_of(noise(6), silence(4), noise(2, seed=1))
    assert sound.seconds == pytest.approx(12)
    assert sound.level_db == pytest.approx(-20, abs=0.1)
    assert sound.peak_db == pytest.approx(20 * np.log10(max(np.abs(noise(6)).max(), np.abs(noise(2, seed=1)).max()) / 32768))
    assert sound.silent == pytest.approx(1 / 3, abs=0.001)
    assert sound.clipped == 0


@pytest.mark.parametrize("samples", [1, 2, HOP - 1, HOP, HOP + 1, 1000])
def test_any_length(samples):
    sound = sound_of(noise(1)[:samples])
    assert sound.seconds == samples / RATE
    assert 0 <= sound.silent <= 1


@pytest.mark.parametrize(
    ("recordings", "said"),
    [
        ([noise(11)], []),
        ([noise(4), noise(7, seed=1)], []),
        ([noise(11), silence(5)], []),
        ([silence(12)], ["silent"]),
        ([silence(12) + np.int16(9000)], ["nothing but a constant"]),
        ([silence(12) + np.int16(-32768)], ["nothing but a constant", "clipped"]),
        ([np.rint(0.9 * np.sin(np.arange(12 * RATE))).astype(np.int16)], ["silent"]),
        ([noise(3)], ["3 s of sound in 3 s"]),
        ([noise(0.01)[:100]], ["0.0063 s of sound"]),
        ([np.concatenate([silence(6), np.full(1, 30000, np.int16), silence(6)])], ["100 % silence"]),
        ([noise(11), silence(30)], ["73 % of 41 s are silence"]),
        ([noise(11, -60)], ["faint, -60 dBFS"]),
        ([square(12)], ["100 % of the samples are at full scale"]),
        ([noise(11, 0)], ["clipped"]),
    ],
)
def test_what_is_said(recordings, said):
    warnings = warnings_of(sound_of(*recordings))
    assert len(warnings) == len(said)
    for warning, part in zip(warnings, said, strict=True):
        assert part in warning


def float_model():
    return float_network(units=(8,), gain=1.5).model(n_fft="512", window="512", hop="256")


def quantized(tmp_path, pcm, model=None):
    onnx.save(model or float_model(), tmp_path / "float.onnx")
    (tmp_path / "data").mkdir()
    soundfile.write(tmp_path / "data" / "a.wav", pcm, RATE)
    return quantize_file(tmp_path / "float.onnx", tmp_path / "data", tmp_path / "int8.onnx")


def test_ordinary_noise_is_quiet(tmp_path):
    report = quantized(tmp_path, noise(10.5))
    assert report.warnings == ()
    assert report.still == ()
    assert report.sound.seconds == report.seconds
    assert report.saturation.features == report.saturation.mask > 0
    assert report.saturation.mask_beyond == 0


def test_silence_leaves_the_features_still(tmp_path):
    report = quantized(tmp_path, silence(10.5))
    assert report.still[0] == "features"
    assert any("silent" in warning for warning in report.warnings)
    assert any("'features'" in warning and "hardly moved" in warning for warning in report.warnings)


def test_one_frame_leaves_everything_still(tmp_path):
    report = quantized(tmp_path, noise(1)[:40])
    assert report.still == ("features", "lstm0_c", "fc0_relu", "mask")
    assert any("'features', 'lstm0_c', 'fc0_relu', 'mask' hardly moved" in warning for warning in report.warnings)


def test_a_dead_layer_is_named(tmp_path):
    model = float_model()
    for tensor in model.graph.initializer:
        if tensor.name == "fc0_b":
            tensor.CopyFrom(onnx.numpy_helper.from_array(np.full(10, -30, np.float32), "fc0_b"))
    report = quantized(tmp_path, noise(10.5), model)
    assert report.still == ("fc0_relu", "mask")


def test_a_mask_above_one_has_a_scale_of_its_own(tmp_path):
    model = float_model()
    last = model.graph.node[-1]
    assert last.op_type == "Sigmoid"
    last.op_type = "Relu"
    for tensor in model.graph.initializer:
        if tensor.name == "fc1_b":
            bias = np.full(12, -3.0, np.float32)
            bias[:3] = 4.0
            tensor.CopyFrom(onnx.numpy_helper.from_array(bias, "fc1_b"))
    report = quantized(tmp_path, noise(10.5), model)
    assert report.saturation.mask_beyond == 0
    assert not any("mask" in warning for warning in report.warnings)
    quant = load_onnx(tmp_path / "int8.onnx").quants["mask"]
    assert (quant.bits, quant.zero_point) == (16, 0)
    assert 32767 * quant.scale > 1.0

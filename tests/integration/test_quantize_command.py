# SPDX-License-Identifier: Apache-2.0
"""codesign quantize as a user types it."""

import numpy as np
import onnx
import pytest
import soundfile
from test_cli import assert_one_line_error, codesign

from json_documents import document as checked
from models import float_network


@pytest.fixture
def folder(tmp_path):
    onnx.save(float_network(gain=1.5).model(), tmp_path / "float.onnx")
    (tmp_path / "recordings").mkdir()
    soundfile.write(tmp_path / "recordings" / "a.wav", 0.1 * np.random.default_rng(0).standard_normal(8000), 16000)
    return tmp_path


def test_every_layer_is_in_the_report(folder):
    done = codesign("quantize", folder / "float.onnx", "-d", folder / "recordings", "-o", folder / "int8.onnx", "--json")
    assert done.returncode == 0, done.stderr
    report = checked(done.stdout)["report"]
    assert [layer["kind"] for layer in report["layers"]] == ["input", "lstm", "lstm", "linear", "linear"]
    assert set(report["layers"][1]) == {"name", "kind", "weights_db", "alone_db", "network_db"}
    assert report["balanced"] == []
    assert set(report["sound"]) == {"seconds", "level_db", "peak_db", "silent", "clipped"}
    assert report["sound"]["level_db"] == pytest.approx(-20, abs=0.2)
    assert report["saturation"]["mask_beyond"] == 0
    assert report["saturation"]["features"] == 125 * 12
    assert (folder / "int8.onnx").is_file()


def test_balancing_is_told(folder):
    done = codesign("quantize", folder / "float.onnx", "-d", folder / "recordings", "--balance")
    assert done.returncode == 0, done.stderr
    assert "in the network" in done.stderr
    assert "fc0 → fc1: " in done.stderr
    assert (folder / "float-int8.onnx").is_file()


def test_silence_is_warned_about(folder):
    soundfile.write(folder / "recordings" / "a.wav", np.zeros(8000), 16000)
    said = codesign("quantize", folder / "float.onnx", "-d", folder / "recordings")
    assert said.returncode == 0, said.stderr
    assert "warning: the recordings are silent: nothing in 0.5 s is above -70 dBFS" in said.stderr
    assert "warning: 'features'" in said.stderr
    assert "0 % of the features and 0 % of the mask are beyond their range" in said.stderr
    done = codesign("quantize", folder / "float.onnx", "-d", folder / "recordings", "--json")
    report = checked(done.stdout)["report"]
    assert (report["sound"]["level_db"], report["sound"]["silent"]) == (None, 1.0)
    assert "features" in report["still"]
    assert len(report["warnings"]) == 2


def test_a_folder_without_recordings(folder):
    (folder / "empty").mkdir()
    done = codesign("quantize", folder / "float.onnx", "-d", folder / "empty", "--balance")
    assert_one_line_error(done, 2, "no .wav, .flac, .ogg files under")

"""codesign quantize as a user types it."""

import json

import numpy as np
import onnx
import pytest
import soundfile
from test_cli import assert_one_line_error, codesign

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
    report = json.loads(done.stdout)["report"]
    assert [layer["kind"] for layer in report["layers"]] == ["input", "lstm", "lstm", "linear", "linear"]
    assert set(report["layers"][1]) == {"name", "kind", "weights_db", "alone_db", "network_db"}
    assert report["balanced"] == []
    assert (folder / "int8.onnx").is_file()


def test_balancing_is_told(folder):
    done = codesign("quantize", folder / "float.onnx", "-d", folder / "recordings", "--balance")
    assert done.returncode == 0, done.stderr
    assert "in the network" in done.stderr
    assert "fc0 → fc1: " in done.stderr
    assert (folder / "float-int8.onnx").is_file()


def test_a_folder_without_recordings(folder):
    (folder / "empty").mkdir()
    done = codesign("quantize", folder / "float.onnx", "-d", folder / "empty", "--balance")
    assert_one_line_error(done, 2, "no .wav, .flac, .ogg files under")

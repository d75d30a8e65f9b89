# SPDX-License-Identifier: Apache-2.0
"""bench/: runs without a checkout of anyone, says what it left out, and its figures agree with each other."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("unicorn", reason="unicorn is not installed (pip install codesign[emulator])")

BENCH = Path(__file__).parents[2] / "bench" / "run.py"


def bench(*arguments):
    return subprocess.run([sys.executable, str(BENCH), *map(str, arguments)], capture_output=True, text=True, check=False)


@pytest.mark.slow
def test_bench_of_one_board(tmp_path):
    page, document = tmp_path / "page.md", tmp_path / "bench.json"
    done = bench("--board", "nrf5340dk", "--markdown", page, "--json", document)
    assert done.returncode == 0, done.stderr
    assert "CMSIS-NN: give --cmsis-nn PATH" in done.stderr
    found = json.loads(document.read_text())
    assert {m["subject"] for m in found["layers"]} == {"codesign", "plain C"}
    for m in found["layers"]:
        assert m["per_mac"] == pytest.approx(m["instructions"] / m["macs"])
        assert m["instructions"] < 1.6 * m["cycles"]
        assert 0 < m["stack"] < 2048
        assert m["flash"] < 24 * 1024
    ours = {(m["layer"], m["inputs"], m["outputs"]): m["instructions"] for m in found["layers"] if m["subject"] == "codesign"}
    plain = {(m["layer"], m["inputs"], m["outputs"]): m["instructions"] for m in found["layers"] if m["subject"] == "plain C"}
    assert all(4 * ours[shape] < plain[shape] for shape in ours if shape[0] == "LSTM")
    fronts = {(f["n_fft"], f["hop"]): f["instructions"] for f in found["front_end"]}
    assert fronts[512, 256] <= 100_000
    assert fronts[128, 64] <= 25_000
    (autoencoder,) = found["autoencoder"]  # without a checkout only ours, on the one board
    assert autoencoder["library"] == "codesign"
    assert 0.75 < autoencoder["instructions"] / 264_192 < 1.3
    assert "onnx2c: give --onnx2c PATH" in done.stderr
    assert "TensorFlow Lite Micro" in done.stderr
    wide = {w["layer"]: w["instructions"] / w["macs"] for w in found["wide"]}
    assert wide.keys() == {"FC 16×8", "LSTM 16×8", "GRU", "GRU 16×8"}
    assert max(wide.values()) < 1.15
    assert wide["GRU"] < 0.95
    text = page.read_text()
    assert "| OctoML, nRF5340 DK | microTVM with CMSIS-NN | cortex-m33 | 6.27 | 3.04 | not measured |" in text
    assert "## Layers on cortex-m33" in text
    assert "## Not measured here" in text


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("--cmsis-nn", "/nowhere"), 2, "no checkout of CMSIS-NN"),
        (("--cmsis-dsp", "/nowhere"), 2, "no checkout of CMSIS-DSP"),
        (("--onnx2c", "/nowhere"), 2, "/nowhere is no program"),
        (("--onnx2c", "/bin/false", "--board", "nrf5340dk"), 2, "made no C of layer.onnx"),
        (("--board", "fridge"), 2, "unknown board 'fridge'"),
        (("--model", "/nowhere.onnx"), 2, "nowhere.onnx"),
    ],
)
def test_bad_input_is_one_line(arguments, code, words):
    done = bench(*arguments)
    assert done.returncode == code
    assert words in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("option", "header", "words"),
    [
        ("--cmsis-nn", "arm_nnfunctions.h", "has no Source/LSTMFunctions/arm_lstm_unidirectional_s8.c"),
        ("--cmsis-dsp", "arm_math.h", "has no Source/TransformFunctions/arm_rfft_fast_f32.c"),
    ],
)
def test_half_a_checkout_is_told_before_the_work(tmp_path, option, header, words):
    (tmp_path / "Include").mkdir()
    (tmp_path / "Include" / header).touch()
    done = bench(option, tmp_path)
    assert done.returncode == 2
    assert words in done.stderr
    assert done.stderr.count("\n") <= 2

# SPDX-License-Identifier: Apache-2.0
"""bench/architectures.py: each network of the table is read as onnxruntime computes it, and the smallest is proven."""

import pytest

pytest.importorskip("torch", reason="no torch: pip install 'codesign[train]'")

import subprocess
import sys
from pathlib import Path

import numpy as np
import onnxruntime

from codesign.compiler.model import load_onnx
from codesign.compiler.quantize.float_run import float_run
from codesign.compiler.reference.frontend import analyse
from whole_way import relative

BENCH = Path(__file__).parents[2] / "bench"
FRAMES = 6


@pytest.fixture
def architectures(monkeypatch):
    monkeypatch.syspath_prepend(str(BENCH))
    import architectures

    return architectures


def outputs(path, features):
    """Of the file as it is: all frames at once, or one after the other with its states."""
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    first, *states = session.get_inputs()
    if not states:
        return session.run(None, {first.name: features[None]})[0][0]
    feed, rows = {state.name: np.zeros(state.shape, np.float32) for state in states}, []
    for row in features:
        found = session.run(None, {first.name: row.reshape(first.shape), **feed})
        rows.append(found[0].ravel())
        feed = dict(zip(feed, found[1:], strict=True))
    return np.array(rows)


def test_each_is_read_as_it_computes(architectures, tmp_path):
    for name, case in architectures.CASES.items():
        path = tmp_path / f"{name}.onnx"
        assert architectures.export(case, path) > 10_000
        graph = load_onnx(path)
        pcm = np.random.default_rng(0).normal(0, 2000, graph.frontend.hop * FRAMES).astype(np.int16)
        features = analyse(graph.frontend, pcm).features
        ours = float_run(graph, features).values[graph.output].reshape(FRAMES, -1)
        assert relative(ours, outputs(path, features)) <= 1e-6, name


@pytest.mark.slow
def test_the_smallest_is_proven(tmp_path):
    pytest.importorskip("unicorn", reason="unicorn is not installed (pip install codesign[emulator])")
    command = [sys.executable, str(BENCH / "architectures.py"), "rnnoise", "--board", "nrf5340dk", "-o", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "| RNNoise, bands | nrf5340dk | PROVEN | " in done.stdout


def test_a_name_that_is_none(architectures, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["architectures.py", "gtcrnn", "-o", str(tmp_path / "out")])
    with pytest.raises(SystemExit) as stopped:
        architectures.main()
    assert stopped.value.code == 2
    assert "no network is called gtcrnn" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()

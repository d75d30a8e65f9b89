# SPDX-License-Identifier: Apache-2.0
"""The examples of docs/bring-your-network.md: an exported PyTorch network reaches firmware, and its chain file is read."""

import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import codesign
from codesign.base.audio import read_audio
from codesign.compiler.load import load_model
from codesign.firmware.machines import MACHINES
from codesign.firmware.toolchain import build_host
from codesign.proof.equality import equal, run_reference

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "bring-your-network.md").read_text(encoding="utf-8")
DEMO = ROOT / "models" / "demo"


def block(language):
    """The first block of the page in a language."""
    found = re.search(rf"```{language}\n(.*?)```", PAGE, re.S)
    assert found is not None
    return found[1]


def test_an_exported_network_becomes_firmware(tmp_path):
    pytest.importorskip("torch", reason="PyTorch is not installed (extra train)")
    script = "import torch\ntorch.manual_seed(1)\n" + block("python")
    done = subprocess.run([sys.executable, "-c", script], cwd=tmp_path, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    graph = codesign.load(tmp_path / "gru.onnx")
    assert [state.size for state in graph.states] == [96]
    assert any("one frame a step" in note for note in graph.notes)
    codesign.quantize(tmp_path / "gru.onnx", DEMO, tmp_path / "gru-int8.onnx")
    network = load_model(tmp_path / "gru-int8.onnx").network
    pcm = read_audio(DEMO / "fan_3db_noisy.flac", 16000).pcm[: 200 * network.frontend.hop]
    run = MACHINES["host"].run(build_host(network, tmp_path / "host"), pcm)
    assert equal(run, run_reference(network, pcm)).ok
    assert np.ptp(run.mask.astype(int), axis=0).max() > 100, "a constant mask proves nothing"


def test_the_chain_of_the_page(tmp_path):
    (tmp_path / "model.toml").write_text(block("toml"), encoding="utf-8")
    chain = codesign.read_chain(tmp_path / "model.toml")
    assert (chain.window, chain.hop, chain.feature, chain.output) == (512, 128, "magnitude", "gains")


@pytest.mark.parametrize(
    "preset", re.findall(r'"([a-z]+[0-9]?(?:-[0-9])?)"', PAGE.split("`preset = ")[1].split(" are those")[0])
)
def test_presets_of_the_page(preset, tmp_path):
    (tmp_path / "model.toml").write_text(f'[chain]\npreset = "{preset}"\n', encoding="utf-8")
    assert codesign.read_chain(tmp_path / "model.toml").sample_rate in (16000, 48000)

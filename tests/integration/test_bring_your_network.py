# SPDX-License-Identifier: Apache-2.0
"""The examples of docs/bring-your-network.md: exported and quantized networks reach firmware, its chain file is read."""

import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx
import pytest
import soundfile
from test_row import dense

import codesign
from codesign.base.audio import read_audio
from codesign.compiler.load import load_model
from codesign.compiler.model import load_row
from codesign.firmware.boards import load_board
from codesign.firmware.machines import MACHINES
from codesign.firmware.toolchain import build_bare, build_host
from codesign.proof.equality import equal, run_reference
from codesign.proof.oracle import against_onnxruntime

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "bring-your-network.md").read_text(encoding="utf-8")
DEMO = ROOT / "models" / "demo"


def block(language, heading=""):
    """The first block of the page in a language, after a heading."""
    found = re.search(rf"```{language}\n(.*?)```", PAGE[PAGE.index(heading) :], re.S)
    assert found is not None
    return found[1]


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    """A folder with what the page's two scripts write."""
    pytest.importorskip("torch", reason="PyTorch is not installed (extra train)")
    folder = tmp_path_factory.mktemp("exported")
    (folder / "recordings").mkdir()
    soundfile.write(folder / "recordings" / "fan.flac", noisy(256), 16000)
    blocks = (block("python"), block("python", "## Quantized by onnxruntime"))
    script = "import torch\n" + "".join(f"torch.manual_seed(1)\n{text}" for text in blocks)
    done = subprocess.run([sys.executable, "-c", script], cwd=folder, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    return folder


def noisy(hop):
    """200 frames of a recording."""
    return read_audio(DEMO / "fan_3db_noisy.flac", 16000).pcm[: 200 * hop]


def test_an_exported_network_becomes_firmware(exported, tmp_path):
    graph = codesign.load(exported / "gru.onnx")
    assert [state.size for state in graph.states] == [96]
    assert any("one frame a step" in note for note in graph.notes)
    codesign.quantize(exported / "gru.onnx", DEMO, tmp_path / "gru-int8.onnx")
    network = load_model(tmp_path / "gru-int8.onnx").network
    pcm = noisy(network.frontend.hop)
    run = MACHINES["host"].run(build_host(network, tmp_path / "host"), pcm)
    assert equal(run, run_reference(network, pcm)).ok
    assert np.ptp(run.mask.astype(int), axis=0).max() > 100, "a constant mask proves nothing"


def test_a_network_that_onnxruntime_quantized_is_proven(exported, tmp_path):
    loaded = load_model(exported / "conv-ort.onnx")
    network, board = loaded.network, load_board("nrf5340dk")
    pcm = noisy(network.frontend.hop)
    reference = run_reference(network, pcm)
    assert equal(MACHINES["host"].run(build_host(network, tmp_path / "host"), pcm), reference).ok
    check = against_onnxruntime(loaded.path, loaded.parts[0].graph, network, reference.features)
    assert check.ok, check
    few = pcm[: 20 * network.frontend.hop]
    run = MACHINES["unicorn"].run(build_bare(network, board, tmp_path / "bare"), few)
    np.testing.assert_array_equal(run.pcm, reference.pcm[: few.size])
    assert np.ptp(run.mask.astype(int), axis=0).max() > 10, "a constant mask proves nothing"


def test_the_chain_of_the_page(tmp_path):
    (tmp_path / "model.toml").write_text(block("toml"), encoding="utf-8")
    chain = codesign.read_chain(tmp_path / "model.toml")
    assert (chain.window, chain.hop, chain.feature, chain.output) == (512, 128, "magnitude", "gains")


def test_the_networks_in_a_row_of_the_page(tmp_path):
    found = re.search(r"## Two networks in a row.*?```toml\n(.*?)```", PAGE, re.S)
    assert found is not None
    (tmp_path / "dtln.toml").write_text(found[1], encoding="utf-8")
    onnx.save(dense(257, 257, 1, "Sigmoid"), tmp_path / "dtln_1.onnx")
    onnx.save(dense(512, 512, 2), tmp_path / "dtln_2.onnx")
    row = load_row(tmp_path / "dtln.toml")
    assert row.name == "DTLN"
    assert [(chain.feature, chain.output, chain.hop) for chain in row.chains] == [
        ("magnitude", "gains", 128),
        ("frame", "frame", 128),
    ]


@pytest.mark.parametrize(
    "preset", re.findall(r'"([a-z]+[0-9]?(?:-[0-9])?)"', PAGE.split("`preset = ")[1].split(" are those")[0])
)
def test_presets_of_the_page(preset, tmp_path):
    (tmp_path / "model.toml").write_text(f'[chain]\npreset = "{preset}"\n', encoding="utf-8")
    assert codesign.read_chain(tmp_path / "model.toml").sample_rate in (16000, 48000)

# SPDX-License-Identifier: Apache-2.0
"""Other people's networks beside ours: which files of a folder are networks, and their row in the table."""

from __future__ import annotations

import importlib.util
import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from codesign.base.errors import InputError
from codesign.base.resources import resource

MODELS = resource("models")
NETWORKS = Path(__file__).parents[3] / "shared" / "networks"


def script(name):
    spec = importlib.util.spec_from_file_location(f"models_{name}", MODELS / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def peers():
    return script("peers")


def test_rows_and_models_that_are_in_none(tmp_path, peers):
    for name in ("one.onnx", "two.onnx", "alone.onnx", "theirs.tflite", "README.md"):
        (tmp_path / name).write_text("")
    (tmp_path / "row.toml").write_text('[[stage]]\nmodel = "one.onnx"\n[[stage]]\nmodel = "two.onnx"\n')
    (tmp_path / "alone.toml").write_text('[chain]\npreset = "gtcrn"\n')
    found = peers.find_peers(tmp_path)
    assert {name: path.name for name, path in found.items()} == {
        "row": "row.toml",
        "alone": "alone.onnx",
        "theirs.tflite": "theirs.tflite",
    }


def test_a_folder_without_networks(tmp_path, peers):
    with pytest.raises(InputError, match="no network"):
        peers.find_peers(tmp_path)
    with pytest.raises(InputError, match="is not a folder"):
        peers.find_peers(tmp_path / "none")
    (tmp_path / "bad.toml").write_text("[[")
    with pytest.raises(InputError, match=r"bad\.toml"):
        peers.find_peers(tmp_path)


def test_networks_are_run_and_what_cannot_be_is_said(tmp_path, peers):
    shutil.copy(MODELS / "low-latency" / "low-latency.onnx", tmp_path / "a.onnx")
    (tmp_path / "broken.onnx").write_bytes(b"nothing")
    systems, left = peers.peer_systems(tmp_path, tmp_path / "scratch", 16000)
    assert [system.name for system in systems] == ["a"]
    assert [line.partition(":")[0] for line in left] == ["broken"]
    pcm = np.random.default_rng(1).integers(-3000, 3000, 4000).astype(np.int16)
    assert systems[0].enhance("", pcm).size >= 3000
    systems, left = peers.peer_systems(tmp_path, tmp_path / "scratch", 48000)
    assert systems == []
    assert left[0] == "a: at 16000 Hz, the mixtures are at 48000 Hz"


def test_their_rows_stand_below_ours(tmp_path):
    table = script("table")
    shutil.copytree(MODELS / "low-latency", tmp_path / "low-latency")
    pairs = json.loads((tmp_path / "low-latency" / "metrics.json").read_text())["held_out"]["pairs"]
    mean = {"theirs": 5.25, "theirs_estoi": 0.71, "theirs_pesq": 1.5}
    (tmp_path / "peers.json").write_text(
        json.dumps({"theirs": {"pairs": pairs, "mean": mean}, "old": {"pairs": 3, "mean": {}}})
    )
    page = table.readme(tmp_path, ["low-latency"])
    assert "| theirs | 5.25 | 0.710 | 1.50 |" in page
    assert "| low-latency | 4.36 | 0.644 | 1.19 |" in page
    assert "| low-latency | 8 / 4 | 12 |" in page
    assert "old" not in page


@pytest.mark.skipif(not NETWORKS.is_dir(), reason=f"{NETWORKS} is not there")
def test_published_networks_load(tmp_path, peers):
    for name in ("gtcrn", "nsnet2", "dtln_1", "dtln_2"):
        shutil.copy(NETWORKS / f"{name}.onnx", tmp_path)
    for name in ("gtcrn", "nsnet2"):
        (tmp_path / f"{name}.toml").write_text(f'[chain]\npreset = "{name}"\n')
    stages = "".join(f'[[stage]]\nmodel = "dtln_{k}.onnx"\npreset = "dtln-{k}"\n' for k in (1, 2))
    (tmp_path / "dtln.toml").write_text(stages)
    systems, left = peers.peer_systems(tmp_path, tmp_path / "scratch", 16000)
    assert sorted(system.name for system in systems) == ["dtln", "gtcrn", "nsnet2"]
    assert left == []

# SPDX-License-Identifier: Apache-2.0
"""codesign train, compress and export as a person meets them."""

from __future__ import annotations

import pytest

pytest.importorskip("torch", reason="no torch: pip install 'codesign[train]'")

import contextlib
import io
import os
import sys
from dataclasses import dataclass

import numpy as np
import soundfile
import torch
from small import RECIPE

from codesign.cli import main as cli
from codesign.compiler.lower import lower
from codesign.compiler.model import load_onnx
from codesign.learning.train.checkpoint import load
from json_documents import document as checked
from training_folders import noise_folder, speech_folder, tone, write

COMPRESSION = RECIPE.replace("steps = 60", "steps = 8").replace("steps = 40", "steps = 4")
QUICK = COMPRESSION + "[mixing]\nrooms = 0.0\n"


@dataclass
class Done:
    returncode: int
    stdout: str
    stderr: str


def codesign(*arguments):
    """The command line in this process: importing torch for each command would take most of the time."""
    out, err = io.StringIO(), io.StringIO()
    code = 0
    with pytest.MonkeyPatch.context() as patch, contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        patch.setattr(sys, "argv", ["codesign", *map(str, arguments)])
        patch.setenv("COLUMNS", "200")
        try:
            cli.main()
        except SystemExit as end:
            code = int(end.code or 0)
    return Done(code, out.getvalue(), err.getvalue())


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    folder = tmp_path_factory.mktemp("cli")
    speech_folder(folder / "speech", 6)
    noise_folder(folder / "noise")
    (folder / "recipe.toml").write_text(QUICK)
    os.environ["CODESIGN_CACHE"] = str(folder / "cache")
    done = codesign("train", folder / "recipe.toml", *sounds(folder), "-o", folder / "run")
    assert done.returncode == 0, done.stderr
    yield folder
    del os.environ["CODESIGN_CACHE"]


def sounds(folder):
    return "--speech", folder / "speech", "--noise", folder / "noise"


def assert_one_line(done, code, *words):
    assert done.returncode == code, done.stderr
    lines = [line for line in done.stderr.splitlines() if line.startswith("error:")]
    assert len(lines) == 1, done.stderr
    assert "Traceback" not in done.stderr
    assert all(word in lines[0] for word in words), lines[0]


def test_train_compress_export_inspect(place):
    assert (place / "run" / "best.pt").exists()
    arguments = (place / "run" / "last.pt", place / "recipe.toml", *sounds(place), "-o", place / "small")
    done = codesign("compress", *arguments, "--json")
    assert done.returncode == 0, done.stderr
    result = checked(done.stdout)["result"]
    assert result["after"]["bytes"] <= 2600 < result["before"]["bytes"]
    assert result["after"]["macs"] <= 2200 < result["before"]["macs"]
    assert (result["sizes"]["skip"], 0 < result["updates"] <= 1) == (True, True)
    left, recovered = (load(place / "small" / name) for name in ("prune/rebuilt.pt", "recover/last.pt"))
    assert (recovered.sizes, recovered.step) == (left.sizes, 6)
    assert not torch.equal(recovered.network["fc0.weight"], left.network["fc0.weight"])
    again = codesign("compress", *arguments)  # everything is done already
    assert again.returncode == 0
    assert "… prune" not in again.stderr
    done = codesign("export", place / "small" / "last.pt", "-o", place / "small.onnx")
    assert done.returncode == 0, done.stderr
    network = lower(load_onnx(place / "small.onnx"))
    assert network.macs == result["after"]["macs"]
    done = codesign("export", place / "small" / "last.pt", "-o", place / "float.onnx", "--float")
    assert "float" in done.stderr
    assert not load_onnx(place / "float.onnx").quants


def test_a_shipped_network_is_trained_on(place, tmp_path):
    float_onnx = tmp_path / "float.onnx"
    assert codesign("export", place / "run" / "last.pt", "-o", float_onnx).returncode == 0
    done = codesign("train", place / "recipe.toml", *sounds(place), "--from", float_onnx, "-o", tmp_path / "on")
    assert done.returncode == 0, done.stderr
    (tmp_path / "plain.toml").write_text(COMPRESSION[: COMPRESSION.index("[prune]")].replace("[16, 12]", "[16, 16]"))
    done = codesign("train", tmp_path / "plain.toml", *sounds(place), "--from", float_onnx, "-o", tmp_path / "other")
    assert_one_line(done, 2, "cannot go on from 'small'", "none with more units")
    done = codesign("compress", float_onnx, place / "recipe.toml", *sounds(place), "-o", tmp_path / "small", "--json")
    assert checked(done.stdout)["result"]["after"]["bytes"] <= 2600


def test_finished_run_is_not_trained_again(place):
    before = (place / "run" / "last.pt").read_bytes()
    done = codesign("train", place / "recipe.toml", *sounds(place), "-o", place / "run", "--json")
    assert checked(done.stdout)["step"] == 6
    assert "going on from step 6 of 6" in done.stderr
    assert (place / "run" / "best.pt").exists()
    assert len(before) == len((place / "run" / "last.pt").read_bytes())


def test_another_recipe_in_the_same_folder_is_refused(place, tmp_path):
    (tmp_path / "other.toml").write_text(QUICK.replace("seed = 3", "seed = 4"))
    before = (place / "run" / "last.pt").read_bytes()
    done = codesign("train", tmp_path / "other.toml", *sounds(place), "-o", place / "run")
    assert_one_line(done, 2, "of another recipe: seed differs", "give another output folder")
    assert (place / "run" / "last.pt").read_bytes() == before


def test_mistakes_are_one_line(place, tmp_path):
    recipe = place / "recipe.toml"
    (tmp_path / "empty").mkdir()
    arguments = (*sounds(place), "-o", tmp_path / "run")
    assert_one_line(codesign("train", tmp_path / "no.toml", *arguments), 2, "cannot read", "no.toml")
    done = codesign("train", recipe, "--speech", tmp_path / "empty", "--noise", place / "noise", "-o", tmp_path / "run")
    assert_one_line(done, 2, "empty: no WAV or FLAC file")
    (tmp_path / "taken").write_text("")
    assert_one_line(codesign("train", recipe, *sounds(place), "-o", tmp_path / "taken"), 2, "cannot make", "taken")
    assert_one_line(codesign("train", recipe, *arguments, "--device", "abacus"), 2, "device 'abacus' cannot be used")
    assert_one_line(codesign("export", recipe), 2, "recipe.toml is damaged or no checkpoint")
    assert_one_line(codesign("export", place / "run" / "last.pt", "-o", tmp_path / "no" / "x.onnx"), 2, "cannot write")
    (tmp_path / "plain.toml").write_text('name = "plain"\n')
    checkpoint = place / "run" / "last.pt"
    done = codesign("compress", checkpoint, tmp_path / "plain.toml", *arguments)
    assert_one_line(done, 2, "trained with another front end")
    (tmp_path / "other.toml").write_text(QUICK.replace("bytes = 2600", "bytes = 100"))
    done = codesign("compress", checkpoint, tmp_path / "other.toml", *arguments)
    assert_one_line(done, 1, "no network of these layers fits 100 bytes")
    (tmp_path / "bare.toml").write_text(QUICK[: QUICK.index("[prune]")])
    assert_one_line(codesign("compress", checkpoint, tmp_path / "bare.toml", *arguments), 2, "the recipe compresses nothing")


def test_bad_files_are_left_out_and_said(tmp_path, place):
    speech_folder(tmp_path / "speech", 6)
    write(tmp_path / "speech" / "voice00" / "slow.wav", tone(300, rate=8000), 8000)
    write(tmp_path / "speech" / "voice00" / "silent.wav", np.zeros(16000))
    write(tmp_path / "speech" / "voice00" / "stereo.wav", np.stack([tone(300), tone(300)], 1))
    (tmp_path / "speech" / "voice00" / "broken.wav").write_bytes(b"RIFFnothing")
    arguments = ("--speech", tmp_path / "speech", "--noise", place / "noise", "-o", tmp_path / "run")
    done = codesign("train", place / "recipe.toml", *arguments)
    assert done.returncode == 0, done.stderr
    for word in ("below 16000 Hz", "silent", "several channels", "unreadable"):
        assert word in done.stderr
    assert soundfile.info(tmp_path / "speech" / "voice00" / "stereo.wav").channels == 2


def test_a_cluster_is_given_the_same_training(place, monkeypatch):
    from codesign.learning import ray_training

    asked = []

    def fitted(job, cluster, show, say):
        asked.extend([job, cluster])
        return load(place / "run" / "last.pt")

    monkeypatch.setattr(ray_training, "train_on_ray", fitted)
    arguments = ("train", place / "recipe.toml", *sounds(place), "-o", place / "clustered", "--ray", "auto", "--ray-workers")
    done = codesign(*arguments, "2", "--ray-min-workers", "1", "--cpus-per-worker", "0.5")
    assert done.returncode == 0, done.stderr
    job, cluster = asked
    assert (job.folder, job.recordings.speech) == (place / "clustered", place / "speech")
    assert (cluster.address, cluster.workers, cluster.least, cluster.cpus) == ("auto", 2, 1, 0.5)
    assert cluster.storage == str(place / "clustered")
    assert_one_line(codesign(*arguments, "9"), 2, "--ray-workers 9 for batches of 2")

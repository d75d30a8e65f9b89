# SPDX-License-Identifier: Apache-2.0
"""codesign listen as a user types it."""

import json
import os
import re
import signal
import subprocess
import sys
import urllib.request

import pytest
import soundfile
from test_cli import assert_one_line_error, codesign

from evidence import tones
from json_documents import document as checked


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("listen")
    for number in range(2):
        clean, noisy = tones(0.5, seed=number)
        for system, pcm in (("clean", clean), ("noisy", noisy), ("int8", clean // 2 + noisy // 2)):
            soundfile.write(folder / f"item{number}_{system}.wav", pcm, 16000)
    return folder


def systems(folder, *names):
    return [part for name in names for part in ("-s", f"{name}={folder}/*_{name}.wav")]


def make(folder, output, *more):
    return codesign(
        "listen", "make", *systems(folder, "noisy", "int8"), "-r", f"clean={folder}/*_clean.wav", "-o", output, *more
    )


def answered(key, listener, score):
    """A session that prefers everything to the unprocessed recording by `score`, and is careful."""
    answers = []
    for name, trial in key["trials"].items():
        left, right = trial["stimuli"]
        better = right if key["stimuli"][left]["system"] in ("noisy", "anchor") else left
        given = 0 if trial["role"] == "identical" else score
        answers.append(
            {"trial": name, "left": left, "right": right, "score": given if better == right else -given, "seconds": 1}
        )
    head = {"schema_version": 1, "kind": "listen-result", "test": key["test"], "test_kind": "preference"}
    return {**head, "listener": listener, "started": "a", "finished": "b", "answers": answers}


def test_make_and_analyze(folder, tmp_path):
    done = make(folder, tmp_path / "test")
    assert done.returncode == 0, done.stderr
    key = json.loads((tmp_path / "test.key.json").read_text())
    results = tmp_path / "results"
    results.mkdir()
    for number, score in enumerate((1, 2, 3)):
        (results / f"{number}.json").write_text(json.dumps(answered(key, f"p{number}", score)))
    arguments = ("listen", "analyze", results, "--key", tmp_path / "test.key.json")
    done = codesign(*arguments, "--json", "-o", tmp_path / "a.html", "-o", tmp_path / "a.csv")
    assert done.returncode == 0, done.stderr
    document = checked(done.stdout)
    assert document["kind"] == "listen-analysis"
    assert document["analysis"]["scores"][0]["score"]["mean"] == 2
    assert "<svg" in (tmp_path / "a.html").read_text()
    (results / "cut.json").write_text("{")
    done = codesign(*arguments, COLUMNS="80")
    assert done.returncode == 1
    assert "refused cut.json" in done.stderr
    assert "3 listeners count" in done.stderr


def test_what_cannot_be_made(folder, tmp_path):
    output = tmp_path / "test"
    assert_one_line_error(codesign("listen", "make", "-s", "noisy", "-o", output), 2, "NAME=FOLDER")
    assert_one_line_error(codesign("listen", "make", "-s", f"anchor={folder}", "-o", output), 2, "anchor")
    assert_one_line_error(make(folder, output, "--unprocessed", "raw"), 2, "raw", "noisy")
    assert_one_line_error(make(folder, output, "--condition", "("), 2, "--condition")
    assert_one_line_error(codesign("listen", "make", *systems(folder, "noisy", "noisy"), "-o", output), 2, "same name")
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("mine")
    assert_one_line_error(make(folder, tmp_path / "mine"), 2, "mine")
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["mine", "thesis.txt"]


def test_serve_until_ctrl_c(folder, tmp_path):
    assert make(folder, tmp_path / "test").returncode == 0
    command = [sys.executable, "-m", "codesign.cli.main", "listen", "serve", str(tmp_path / "test"), "--port", "0"]
    process = subprocess.Popen(
        [*command, "--results", str(tmp_path / "results")],
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "NO_COLOR": "1"},
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    try:
        address = re.search(r"http://127\.0\.0\.1:\d+/", process.stderr.readline())[0]
        with urllib.request.urlopen(address, timeout=10) as page:
            assert b"codesignAudio" in page.read()
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=30)
    finally:
        process.kill()
    assert process.returncode == 130
    assert errors.splitlines() == ["stopped"]

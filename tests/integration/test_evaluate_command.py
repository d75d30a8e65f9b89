# SPDX-License-Identifier: Apache-2.0
"""codesign evaluate as a user types it."""

import json
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
import soundfile
from test_cli import assert_one_line_error, codesign

from evidence import tones
from json_documents import document as checked


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("evaluate")
    for number in range(2):
        clean, noisy = tones(1, seed=number)
        for system, pcm in (("clean", clean), ("noisy", noisy), ("ours", clean // 2 + noisy // 2)):
            (folder / f"item{number}").mkdir(exist_ok=True)
            soundfile.write(folder / f"item{number}" / f"{system}.wav", pcm, 16000)
    return folder


def test_models_and_recordings_side_by_side(folder, small_model, tmp_path):
    done = codesign(
        "evaluate", folder, "-m", f"net={small_model}", "-s", "ours", "--baseline", "ours", "-o", tmp_path / "e.csv",
        "-o", tmp_path / "e.json", "--keep", tmp_path / "wav", "--json",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    evaluation = checked(done.stdout)["evaluation"]
    assert [system["name"] for system in evaluation["systems"]] == ["noisy", "net", "ours"]
    assert evaluation["systems"][1]["how"] == "int8, host library"
    assert {row["system"] for row in evaluation["differences"]} == {"noisy", "net"}
    assert json.loads((tmp_path / "e.json").read_text())["evaluation"]["scores"] == evaluation["scores"]
    assert len((tmp_path / "e.csv").read_text().splitlines()) == 1 + 2 * 3
    kept, rate = soundfile.read(tmp_path / "wav" / "net" / "item0.wav", dtype="int16")
    assert (kept.size, rate) == (16000, 16000)
    ours = soundfile.read(folder / "item1" / "ours.wav", dtype="int16")[0]
    assert np.array_equal(soundfile.read(tmp_path / "wav" / "ours" / "item1.wav", dtype="int16")[0], ours)


def test_a_table_for_people(folder):
    done = codesign("evaluate", folder, "-s", f"mine={folder}/*/ours.wav")
    assert done.returncode == 0, done.stderr
    assert "2 items, means and 95 % intervals" in done.stderr
    assert "HASPI is missing: no audiogram was named" in done.stderr
    assert done.stdout == ""


def test_plots(folder, tmp_path):
    pytest.importorskip("matplotlib", reason="matplotlib is not installed")
    done = codesign("evaluate", folder, "-s", "ours", "--plots", tmp_path)
    assert done.returncode == 0, done.stderr
    names = {"by_input.png", *(f"{kind}_{n}.png" for kind in ("waveforms", "spectrograms") for n in (1, 2))}
    found = {path.name for path in tmp_path.iterdir()}
    assert {name for name in found if name.endswith(".png")} == names
    assert {name for name in found if name.endswith(".svg")} >= {"means_si_sdr.svg", "means_estoi.svg"}
    assert all((tmp_path / name).read_bytes().startswith(b"\x89PNG") for name in names)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--audiogram", "N8"), "unknown audiogram 'N8'"),
        (("-s", "theirs"), "theirs: no recordings at"),
        (("-s", "=x"), "has no name"),
        (("-s", "ours", "--delay", "ours=-3"), "--delay ours=-3"),
        (("--delay", "theirs=3"), "no --system has that name"),
        (("--baseline", "best"), "no system is called 'best'"),
        (("-m", "none.onnx"), "none.onnx"),
        (("-o", "figures.xml"), "'.xml' is not written"),
    ],
)
def test_wrong_options_are_one_clear_line(folder, arguments, says):
    done = codesign("evaluate", folder, *arguments)
    assert_one_line_error(done, 2, says)


def test_a_folder_without_pairs(tmp_path):
    assert_one_line_error(codesign("evaluate", tmp_path), 2, "no pairs of a noisy and a clean recording")


def many(folder, count=40):
    """Pairs that take a while, the first at once."""
    for number in range(count):
        clean, noisy = tones(3, seed=number)
        for name, pcm in (("clean", clean), ("noisy", noisy)):
            soundfile.write(folder / f"{number:02}_{name}.wav", pcm, 16000)
    return folder


def interrupted(folder, output, number):
    """The command on `folder`, sent a signal when it has kept two scores: exit status and stderr."""
    command = [sys.executable, "-m", "codesign.cli.main", "evaluate", folder, "-o", output, "--jobs", "1"]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env={**os.environ, "COLUMNS": "300"})
    partial = output.with_name(f"{output.stem}.partial.csv")
    deadline = time.monotonic() + 120
    while not (partial.exists() and len(partial.read_text().splitlines()) > 2):
        assert process.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.02)
    process.send_signal(number)
    return process.communicate(timeout=120)[1], process.returncode


def test_ctrl_c_keeps_what_was_computed(tmp_path):
    said, code = interrupted(many(tmp_path), tmp_path / "e.csv", signal.SIGINT)
    assert code == 130
    assert "Traceback" not in said
    assert "of 40 scores" in said
    assert said.splitlines()[-1] == "stopped"
    assert 3 <= len((tmp_path / "e.csv").read_text().splitlines()) < 41
    assert not list(tmp_path.glob("*.partial*"))


def test_a_killed_evaluation_leaves_its_scores(tmp_path):
    _, code = interrupted(many(tmp_path), tmp_path / "e.json", signal.SIGKILL)
    assert code == -signal.SIGKILL
    lines = (tmp_path / "e.partial.csv").read_text().splitlines()
    assert lines[0].startswith("item,system,si_sdr")
    assert all(line.startswith(f"{number:02},noisy,") for number, line in enumerate(lines[1:]))


def test_an_error_half_way_keeps_what_was_computed(tmp_path):
    folder = many(tmp_path, 3)
    (folder / "02_noisy.wav").write_bytes(b"RIFFnothing")
    done = codesign("evaluate", folder, "-o", tmp_path / "e.json", "--json")
    assert done.returncode == 2
    assert "cannot read" in done.stderr.splitlines()[-1]
    evaluation = checked(done.stdout)["evaluation"]
    assert evaluation["complete"] is False
    assert [score["item"] for score in evaluation["scores"]] == ["00", "01"]
    assert json.loads((tmp_path / "e.json").read_text())["evaluation"]["scores"] == evaluation["scores"]


def test_an_output_that_cannot_be_written_loses_nothing(folder, tmp_path):
    (tmp_path / "folder.md").mkdir()
    done = codesign("evaluate", folder, "-s", "ours", "-o", tmp_path / "folder.md")
    assert (done.returncode, "items, means" in done.stderr) == (2, False)  # said before the work
    (tmp_path / "e.md").symlink_to("/dev/full")
    done = codesign("evaluate", folder, "-s", "ours", "-o", tmp_path / "e.md", "-o", tmp_path / "e.csv")
    assert done.returncode == 2
    assert "2 items, means" in done.stderr
    assert len((tmp_path / "e.csv").read_text().splitlines()) == 1 + 2 * 2
    assert f"the scores are in {tmp_path}/e.partial.csv" in done.stderr
    assert (tmp_path / "e.partial.csv").read_text() == (tmp_path / "e.csv").read_text()

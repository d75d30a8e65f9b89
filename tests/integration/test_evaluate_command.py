"""codesign evaluate as a user types it."""

import json

import numpy as np
import pytest
import soundfile
from test_cli import assert_one_line_error, codesign

from evidence import tones


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
    evaluation = json.loads(done.stdout)["evaluation"]
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
    assert {path.name for path in tmp_path.iterdir()} == names
    assert all(path.read_bytes().startswith(b"\x89PNG") for path in tmp_path.iterdir())


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

# SPDX-License-Identifier: Apache-2.0
"""codesign data check: what it says of folders whose contents are known."""

from __future__ import annotations

import numpy as np
import pytest
from typer.testing import CliRunner

from codesign.base.errors import InputError
from codesign.cli.app import app
from codesign.learning.data.check import check_data
from corpus_folders import DEMAND, VOICEBANK, made
from json_documents import document as checked
from training_folders import RATE, tone, write


def test_a_corpus_of_pairs(tmp_path):
    made(tmp_path / "v", VOICEBANK)
    write(tmp_path / "v" / "clean_testset_wav" / "p232_001.wav", np.clip(4 * tone(500, 0.4, 48000), -0.7, 0.7), rate=48000)
    report = check_data(tmp_path / "v", cache=tmp_path / "cache", seed=1)
    (speech,) = report.kinds
    assert [(part.split, part.files, part.voices) for part in speech.parts] == [
        ("train", 6, 3),
        ("validation", 2, 1),
        ("test", 4, 2),
    ]
    assert speech.hours == pytest.approx((11 * 0.05 + 0.4) / 3600)
    assert speech.rates == {16000: 11, 48000: 1}
    assert (speech.clipped, speech.first_clipped.rpartition("/")[2]) == (1, "p232_001.wav")
    assert speech.level_db[1] == pytest.approx(20 * np.log10(0.3 / np.sqrt(2)), abs=0.1)
    assert speech.why == (
        "as the corpus publishes it or its folders' names say; validation drawn by seed 1 from the voices of train"
    )
    assert "12 files of noisy speech" in speech.notes[0]
    assert report.pairs.pairs == {"train": 6, "validation": 2, "test": 4}


def test_noise_by_an_option_and_rooms_that_stay_whole(tmp_path):
    made(tmp_path / "DEMAND", DEMAND)
    (noise,) = check_data(tmp_path / "DEMAND", "noise", cache=tmp_path / "cache").kinds
    assert [part.files for part in noise.parts] == [6, 3, 3]
    assert [part.voices for part in noise.parts] == [2, 1, 1]
    assert noise.why == "drawn by seed 0: a tenth of the recordings for validation, a tenth for test"
    with pytest.raises(InputError, match="'music' is not one of speech, noise, rooms"):
        check_data(tmp_path / "DEMAND", "music", cache=tmp_path / "cache")


def test_the_floor_of_a_recording_is_measured(tmp_path):
    sound = np.concatenate([tone(500, 0.8), 1e-3 * tone(500, 0.2)])
    write(tmp_path / "a" / "1.wav", sound)
    (speech,) = check_data(tmp_path, cache=tmp_path / "cache").kinds
    assert speech.contrast_db[1] == pytest.approx(60, abs=0.7)
    assert speech.level_db[1] - speech.floor_db[1] == pytest.approx(speech.contrast_db[1], abs=0.11)
    assert RATE * 3600 * speech.hours == sound.size


def test_the_command(tmp_path, monkeypatch):
    monkeypatch.setenv("CODESIGN_CACHE", str(tmp_path / "cache"))
    made(tmp_path / "v", VOICEBANK)
    done = CliRunner().invoke(app, ["data", "check", str(tmp_path / "v")])
    assert done.exit_code == 0, done.output
    for text in ("speech: 0.00 hours in 12 files", "validation", "clipping: 0 files", "16,000 Hz in 12 files", "4 test"):
        assert text in done.output
    done = CliRunner().invoke(app, ["data", "check", str(tmp_path / "v"), "--json"])
    assert checked(done.stdout)["report"]["pairs"]["pairs"] == {"train": 6, "validation": 2, "test": 4}

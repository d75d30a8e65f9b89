# SPDX-License-Identifier: Apache-2.0
"""The second test: what is mixed is what unseen.json says, and nothing of it is trained on."""

from __future__ import annotations

import importlib.util
import json
import sys

import numpy as np
import pytest
import soundfile

from codesign.base.resources import resource

MODELS = resource("models")


def script(path):
    spec = importlib.util.spec_from_file_location(f"models_{path.stem}", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def unseen():
    pytest.importorskip("soxr")
    return script(MODELS / "unseen.py")


@pytest.fixture
def checkouts(tmp_path, unseen):
    """Three utterances of tone bursts, and noise for two of the places."""
    random = np.random.default_rng(5)
    time = np.arange(3 * 16000) / 16000
    for number in range(3):
        path = tmp_path / f"speech-to-intent-benchmark/data/speech/clean/{number}.wav"
        path.parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(path, 0.4 * np.sin(900 * (number + 1) * time) * (np.sin(6 * time) > 0), 16000)
    for name in unseen.NOISE[:3]:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("wb") as file:
            soundfile.write(file, 0.1 * random.standard_normal(4 * 32000), 32000, format="WAV")
    return tmp_path


def test_the_ratio_is_that_of_active_speech_to_noise(checkouts, unseen):
    items = unseen.draw(checkouts)
    assert len(items) == 3
    for item in items:
        noisy, clean = unseen.mix(checkouts, item)
        noise = noisy - clean
        active = np.abs(clean) > 0
        measured = 10 * np.log10((clean[active] ** 2).mean() / (noise**2).mean())
        assert measured == pytest.approx(item["snr_db"], abs=0.25)
        assert np.abs(noisy).max() <= 0.7 + 1e-9


def test_changed_recordings_are_refused(checkouts, unseen, monkeypatch, capsys, tmp_path):
    frozen = tmp_path / "frozen.json"
    frozen.write_text(json.dumps(unseen.draw(checkouts)))
    monkeypatch.setattr(unseen, "FROZEN", frozen)
    monkeypatch.setattr(sys, "argv", ["unseen.py", str(checkouts), "-o", str(tmp_path / "clips")])
    unseen.main()
    assert len(list((tmp_path / "clips").glob("*/noisy.flac"))) == 3
    changed = checkouts / json.loads(frozen.read_text())[1]["speech"]
    changed.write_bytes(changed.read_bytes() + b"\0")
    with pytest.raises(SystemExit):
        unseen.main()
    assert f"{changed.name} is not the recording" in capsys.readouterr().err


def test_what_is_frozen_is_whole_and_not_trained_on(unseen):
    items = json.loads((MODELS / "unseen.json").read_text())
    assert len(items) == unseen.COUNT == len({item["speech_sha256"] for item in items})
    assert {item["snr_db"] for item in items} == set(unseen.SNRS)
    assert all(len(item[f"{key}_sha256"]) == 64 for item in items for key in ("speech", "noise"))
    corpus = (MODELS / "corpus" / "corpus.py").read_text()
    assert not [name for name in {item[key].split("/")[0] for item in items for key in ("speech", "noise")} if name in corpus]

# SPDX-License-Identifier: Apache-2.0
"""models/corpus/corpus.py: whose recordings become which voice, and what is left out."""

from __future__ import annotations

import importlib.util
import subprocess
import sys

import pytest

from codesign.base.resources import resource

pytest.importorskip("scipy", reason="scipy is not installed")
SCRIPT = resource("models", "corpus", "corpus.py")


@pytest.fixture(scope="module")
def corpus():
    spec = importlib.util.spec_from_file_location("free_corpus", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    sys.modules["free_corpus"] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    yield module
    del sys.modules["free_corpus"]


@pytest.mark.parametrize(
    ("repository", "path", "target"),
    [
        ("Resemblyzer", "audio_data/librispeech_train-clean-100/226-131532-0000.flac", "speech/train/librispeech-226"),
        ("Resemblyzer", "audio_data/librispeech_train-clean-100/19-198-0000.flac", None),
        ("Resemblyzer", "audio_data/X2zqiX6yL3I.mp3", None),
        ("speechocean762", "WAVE/SPEAKER0001/000010011.WAV", "speech/train/speechocean-0001"),
        ("wake-word-benchmark", "audio/smart mirror/a.wav", "speech/train/keywords-smart"),
        ("wake-word-benchmark", "audio/multiple_keywords.wav", None),
        ("mimic3-voices", "samples/en_US/vctk_low/sample_p304.wav", "speech/train/synthetic-mimic3-en_US-vctk_p304"),
        ("mimic3-voices", "samples/ko_KO/kss_low/sample.wav", None),
        ("mimic3-voices", "samples/ru_RU/multi_low/sample.wav", None),
        ("vctk-vits-speaker-comparison", "output/245.wav", "speech/train/synthetic-vctk-245"),
        ("ESC-10", "002 - Rain/1-17367-A.ogg", "noise/train/ambience-esc10"),
        ("ESC-10", "001 - Dog bark/1-100032-A.ogg", "noise/train/sfx-esc10"),
    ],
)
def test_voices_of_the_repositories(corpus, tmp_path, repository, path, target):
    (tmp_path / path).parent.mkdir(parents=True)
    (tmp_path / path).touch()
    found = [folder for _, _, folder, _ in corpus.jobs(tmp_path, repository, tmp_path / "corpus")]
    assert found == ([tmp_path / "corpus" / target] if target else [])
    assert repository in {source.name for source in corpus.REPOSITORIES}


def test_children_are_told_apart(corpus, tmp_path):
    for speaker in ("0001", "0002"):
        (tmp_path / "WAVE" / f"SPEAKER{speaker}").mkdir(parents=True)
        (tmp_path / "WAVE" / f"SPEAKER{speaker}" / "a.WAV").touch()
    (tmp_path / "train").mkdir()
    (tmp_path / "train" / "spk2age").write_text("0001\t6\n0002\t31\n")
    found = [folder.name for _, _, folder, _ in corpus.jobs(tmp_path, "speechocean762", tmp_path / "corpus")]
    assert found == ["speechocean-child-0001", "speechocean-0002"]


def test_a_folder_without_any_checkout_is_refused_before_anything_is_fetched(tmp_path):
    done = subprocess.run(
        [sys.executable, SCRIPT, tmp_path / "corpus", "--repositories", tmp_path], capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert "has none of Resemblyzer, speechocean762" in done.stderr
    assert not (tmp_path / "corpus").exists()

# SPDX-License-Identifier: Apache-2.0
"""Public corpora as they are unpacked: small folders of their names, what is taken from them, whose voice, which split."""

from __future__ import annotations

import numpy as np
import pytest

from codesign.base.errors import InputError
from codesign.learning.data import open_corpus
from codesign.learning.data.folders import draw_splits, find_recordings
from corpus_folders import CHIME2, CHIME3, DEMAND, DNS, EARS, LIBRISPEECH, MUSAN, VOICEBANK, WSJ0, made
from training_folders import RATE, noise_folder, write


def split(folder, what, seed=0):
    """{split: {group: files}} and the notes."""
    found = find_recordings(folder, what)
    splits, _ = draw_splits(found.files, by_group=what == "speech", seed=seed)
    result: dict[str, dict[str, list[str]]] = {"train": {}, "validation": {}, "test": {}}
    for file, part in zip(found.files, splits, strict=True):
        result[part].setdefault(file.group, []).append(str(file.path.relative_to(folder)))
    return result, found.notes


def voices(parts):
    return {part: set(groups) for part, groups in parts.items()}


def test_voicebank_from_its_root(tmp_path):
    parts, notes = split(made(tmp_path, VOICEBANK), "speech")
    assert voices(parts)["test"] == {"p232", "p257"}
    assert voices(parts)["train"] | voices(parts)["validation"] == {"p226", "p227", "p228", "p230"}
    assert len(voices(parts)["validation"]) == 1
    assert not [file for groups in parts.values() for files in groups.values() for file in files if "noisy" in file]
    assert notes == (f"left out of {tmp_path} by their folders' names: 12 files of noisy speech",)


def test_voicebank_flat_has_its_voices_from_the_names(tmp_path):
    parts, _ = split(made(tmp_path, VOICEBANK) / "clean_trainset_28spk_wav", "speech")
    assert sorted(len(groups) for groups in parts.values()) == [1, 1, 2]
    assert all(len(files) == 2 for groups in parts.values() for files in groups.values())


@pytest.mark.parametrize("folder", ["noisy_trainset_28spk_wav", "noisy", "noise", "impulse_responses"])
def test_what_is_no_clean_speech_by_its_name_is_refused(tmp_path, folder):
    made(tmp_path, [f"{folder}/p226_00{n}.wav" for n in (1, 2)])
    with pytest.raises(InputError, match="by its name, where clean speech is asked for"):
        find_recordings(tmp_path / folder, "speech")
    made(tmp_path / "below", [f"{folder}/p226_00{n}.wav" for n in (1, 2)])
    with pytest.raises(InputError, match="by their folders' names 2 files of"):
        find_recordings(tmp_path / "below", "speech")


def test_noisy_files_beside_clean_ones_are_left_out(tmp_path):
    found = find_recordings(made(tmp_path, ["a_clean.wav", "a_noisy.wav", "b/clean.wav", "b/noisy.wav"]), "speech")
    assert [str(file.path.relative_to(tmp_path)) for file in found.files] == ["a_clean.wav", "b/clean.wav"]


def test_dns_challenge(tmp_path):
    made(tmp_path, DNS)
    parts, notes = split(tmp_path, "speech")
    every = set.union(*voices(parts).values())
    assert every == {*(f"reader_0670{r}" for r in "1234"), "p225", "p226", "1001", "1002"}
    assert "4 files of noise" in notes[0]
    noise, notes = split(tmp_path, "noise")
    names = [file.split("/")[1] for groups in noise.values() for files in groups.values() for file in files]
    assert names == 4 * ["noise_fullband"]
    assert "of speech" in notes[0]
    assert [file.path.name for file in find_recordings(tmp_path, "rooms").files] == ["Room001-00001.wav"]


def test_librispeech_keeps_its_parts(tmp_path):
    parts, _ = split(made(tmp_path, LIBRISPEECH), "speech")
    assert voices(parts) == {"train": {"19", "26"}, "validation": {"84"}, "test": {"367", "533"}}
    parts, _ = split(tmp_path / "LibriSpeech" / "train-clean-100", "speech")
    assert sorted(voices(parts)["train"] | voices(parts)["test"]) == ["19", "26"]


def test_wsj0_and_chime2(tmp_path):
    parts, _ = split(made(tmp_path / "w", WSJ0), "speech")
    assert voices(parts) == {"train": {"011", "01a"}, "validation": {"050"}, "test": {"440", "441"}}
    parts, notes = split(made(tmp_path / "c", CHIME2), "speech")
    assert voices(parts) == {"train": {"011", "01a"}, "validation": {"050"}, "test": {"440"}}
    assert "8 files of noisy speech" in notes[0]


def test_chime3_clean_parts_and_backgrounds(tmp_path):
    made(tmp_path, CHIME3)
    parts, _ = split(tmp_path, "speech")
    assert voices(parts)["train"] | voices(parts)["test"] == {"F01", "M03"}
    assert voices(parts)["validation"] == {"F04"}
    noise, _ = split(tmp_path, "noise")
    for groups in noise.values():
        recordings = [file.rpartition(".CH")[0] for files in groups.values() for file in files]
        assert sorted(recordings) == sorted(2 * list(set(recordings))), "channels stay together"


@pytest.mark.parametrize("seed", range(6))
def test_a_room_of_demand_is_one_source(tmp_path, seed):
    parts, _ = split(made(tmp_path, DEMAND), "noise", seed)
    rooms = [set(groups) for groups in parts.values()]
    assert all(rooms)
    assert sum(map(len, rooms)) == 4
    assert all(len(files) == 3 for groups in parts.values() for files in groups.values())


def test_ears_has_its_published_split(tmp_path):
    parts, _ = split(made(tmp_path, EARS), "speech")
    assert voices(parts) == {"train": {"p001", "p002", "p099"}, "validation": {"p100", "p101"}, "test": {"p102", "p107"}}


def test_musan_gives_noise_and_music_or_speech(tmp_path):
    made(tmp_path, MUSAN)
    noise, notes = split(tmp_path, "noise")
    assert {group for groups in noise.values() for group in groups} == {"music", "noise"}
    assert "3 files of speech" in notes[0]
    speech, _ = split(tmp_path, "speech")
    assert all(file.startswith("musan/speech") for groups in speech.values() for files in groups.values() for file in files)


def test_files_of_other_formats_are_named(tmp_path):
    (tmp_path / "011").mkdir()
    (tmp_path / "011" / "011c0201.wv1").write_bytes(b"NIST_1A\n")
    with pytest.raises(InputError, match=r"no WAV or FLAC file \(1 file \.wv1: convert them\)"):
        find_recordings(tmp_path, "speech")


def speech_like(seed, noise):
    """Bursts of a harmonic sound with pauses, and steady noise `noise` dB below them."""
    rng = np.random.default_rng(seed)
    time = np.arange(2 * RATE) / RATE
    voice = sum(np.sin(2 * np.pi * 140 * k * time) / k for k in range(1, 20)) * (np.sin(2 * np.pi * 1.5 * time) > -0.3)
    voice *= 0.1 / np.sqrt(np.mean(voice**2))
    return voice + 0.1 * 10 ** (-noise / 20) * rng.standard_normal(time.size)


@pytest.mark.parametrize(("noise", "said"), [(50, False), (35, False), (15, True), (5, True), (-5, True)])
def test_noisy_speech_is_noticed_by_its_floor(tmp_path, noise, said):
    for voice in range(4):
        for number in range(2):
            write(tmp_path / "speech" / f"v{voice}" / f"{number}.wav", speech_like(10 * voice + number, noise))
    corpus = open_corpus(tmp_path / "speech", noise_folder(tmp_path / "noise", files=4, seconds=0.2), cache=tmp_path / "cache")
    assert any("noisy speech?" in note for note in corpus.notes) == said

# SPDX-License-Identifier: Apache-2.0
"""Folders of speech and noise: what is used, what is left out, who is heard where."""

from __future__ import annotations

import json

import numpy as np
import pytest
import soundfile

from codesign.base.errors import InputError
from codesign.learning.data import cache as cache_module
from codesign.learning.data import open_corpus
from codesign.learning.data.folders import SPLITS, RecordingFile, draw_splits, find_recordings
from training_folders import RATE, noise_folder, speech_folder, tone, write


@pytest.fixture
def folders(tmp_path, monkeypatch):
    monkeypatch.setenv("CODESIGN_CACHE", str(tmp_path / "cache"))
    speech_folder(tmp_path / "speech", voices=20)
    return tmp_path / "speech", noise_folder(tmp_path / "noise")


def names(recordings, split):
    return {recordings.groups[recordings.group[index]] for index in recordings.chosen(split)}


def test_nobody_is_heard_in_two_splits(folders):
    corpus = open_corpus(*folders)
    voices = [names(corpus.speech, split) for split in SPLITS]
    assert [len(some) for some in voices] == [16, 2, 2]
    assert len(set.union(*voices)) == 20
    assert corpus.notes == ()


def test_files_of_noise_are_in_one_split_and_every_split_has_some(folders):
    noise = open_corpus(*folders).noise
    chosen = [set(noise.chosen(split)) for split in SPLITS]
    assert all(chosen)
    assert sum(map(len, chosen)) == len(set.union(*chosen)) == 12


def test_the_seed_draws_the_splits(folders):
    first, again, other = (names(open_corpus(*folders, seed=seed).speech, "test") for seed in (1, 1, 2))
    assert first == again != other


def test_folders_named_train_and_test_are_the_split(tmp_path, folders):
    for split, voices in (("train", "abcd"), ("test", "xy")):
        for voice in voices:
            write(tmp_path / "given" / split / voice / "1.wav", tone(500))
    speech = open_corpus(tmp_path / "given", folders[1]).speech
    assert names(speech, "test") == {"x", "y"}
    assert names(speech, "train") | names(speech, "validation") == set("abcd")
    assert len(names(speech, "validation")) == 1


def test_a_given_validation_folder_is_taken(tmp_path):
    for split, voices in (("train", "ab"), ("dev", "c"), ("test", "d")):
        for voice in voices:
            write(tmp_path / split / voice / "1.wav", tone(500))
    found = find_recordings(tmp_path, "speech").files
    splits, disjoint = draw_splits(found, by_group=True, seed=0)
    assert {f.group: s for f, s in zip(found, splits, strict=True)} == {
        "a": "train",
        "b": "train",
        "c": "validation",
        "d": "test",
    }
    assert disjoint


def test_the_voice_is_the_topmost_folder_that_tells_recordings_apart(tmp_path):
    for path in ("set/19/198/a.wav", "set/19/227/b.wav", "set/26/495/c.wav"):
        write(tmp_path / path, tone(500))
    assert [found.group for found in find_recordings(tmp_path, "speech").files] == ["19", "19", "26"]


def test_one_voice_is_split_by_files_and_said(tmp_path, folders):
    speech_folder(tmp_path / "one", voices=1, files=5)
    corpus = open_corpus(tmp_path / "one", folders[1])
    assert [corpus.speech.chosen(split).size for split in SPLITS] == [3, 1, 1]
    assert [note for note in corpus.notes if "too few voices" in note]


@pytest.mark.parametrize("count", [1, 2, 3, 50])
def test_training_keeps_something(tmp_path, count):
    found = [RecordingFile(tmp_path / f"{n}.wav", f"g{n}", None) for n in range(count)]
    splits, _ = draw_splits(found, by_group=True, seed=0)
    assert splits.count("train") == max(1, count - 2 * max(1, count // 10))


def test_unusable_files_are_left_out_counted_and_named(tmp_path, folders):
    speech, noise = folders
    write(speech / "voice00" / "narrow.wav", tone(500, rate=8000), rate=8000)
    write(speech / "voice00" / "silent.wav", np.zeros(RATE))
    write(speech / "voice00" / "short.wav", tone(500, seconds=0.01))
    (speech / "voice00" / "broken.wav").write_bytes(b"RIFF....WAVEnonsense")
    (speech / "voice01" / "broken.flac").write_bytes(b"")
    corpus = open_corpus(speech, noise)
    assert corpus.speech.start.size == 40
    text = "\n".join(corpus.notes)
    assert "2 of 45 files left out as unreadable" in text
    assert "broken.wav" in text
    assert "1 of 45 files left out because recorded below 16000 Hz" in text
    assert "narrow.wav at 8000 Hz" in text
    assert "1 of 45 files left out as silent" in text
    assert "silent.wav" in text
    assert "left out as shorter than 20 ms" in text
    assert "short.wav" in text
    assert len(corpus.notes) == 4


def test_stereo_is_averaged_and_higher_rates_resampled(tmp_path, folders):
    left, right = tone(500), tone(700)
    write(tmp_path / "s" / "a" / "stereo.wav", np.stack([left, right], axis=1))
    write(tmp_path / "s" / "b" / "high.wav", tone(500, rate=48000), rate=48000)
    speech = open_corpus(tmp_path / "s", folders[1]).speech
    assert "1 of 2 files with several channels averaged to one" in speech.notes[0]
    assert list(speech.length) == [left.size, left.size]
    pcm = np.fromfile(speech.pcm, np.int16)
    assert np.abs(pcm[: left.size] / 32768 - (left + right) / 2).max() < 2 / 32768
    spectrum = np.abs(np.fft.rfft(pcm[left.size :]))
    assert np.argmax(spectrum) == 500 * left.size // RATE


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda folder: None, "is not a folder"),
        (lambda folder: folder.mkdir(), "no WAV or FLAC file"),
        (lambda folder: write(folder / "a.wav", np.zeros(RATE)), "no usable recording: 1 of 1 files left out as silent"),
        (lambda folder: write(folder / "a.wav", tone(500, rate=8000), rate=8000), "recorded below 16000 Hz"),
    ],
)
def test_nothing_to_use_is_one_clear_line(tmp_path, folders, make, says):
    make(tmp_path / "bad")
    with pytest.raises(InputError, match=says) as caught:
        open_corpus(tmp_path / "bad", folders[1])
    assert str(tmp_path / "bad") in caught.value.message
    assert caught.value.hint


def test_what_is_cached_is_not_decoded_again_until_it_changes(folders, monkeypatch):
    first = open_corpus(*folders)
    reader, read = cache_module.read_audio, []
    monkeypatch.setattr(cache_module, "read_audio", lambda path, rate: read.append(path) or reader(path, rate))
    again = open_corpus(*folders)
    assert read == []
    assert all(np.array_equal(getattr(first.speech, name), getattr(again.speech, name)) for name in ("start", "length", "gain"))
    write(folders[0] / "voice00" / "0.wav", tone(500, seconds=2.0))
    changed = open_corpus(*folders)
    assert len(read) == 40  # the speech folder, not the noise
    assert changed.speech.length[0] == 2 * RATE


def test_the_cache_holds_what_the_files_hold(folders):
    speech = open_corpus(*folders).speech
    pcm = np.fromfile(speech.pcm, np.int16)
    for index, path in enumerate(sorted(folders[0].rglob("*.wav"))):
        expected, _ = soundfile.read(path, dtype="int16")
        assert np.array_equal(pcm[speech.start[index] :][: speech.length[index]], expected)


def test_recordings_that_are_cut_off_are_used_and_named(folders):
    cut = folders[0] / "voice00" / "0.wav"
    cut.write_bytes(cut.read_bytes()[:-1000])
    corpus = open_corpus(*folders)
    assert corpus.speech.length[0] == soundfile.info(cut).frames
    assert [note for note in corpus.notes if "cut off" in note and str(cut) in note and "1 of 40 files" in note]
    soundfile.write(cut, np.r_[2.0, 0.1 * np.ones(soundfile.info(cut).frames)], soundfile.info(cut).samplerate, subtype="FLOAT")
    notes = open_corpus(*folders).notes
    assert [note for note in notes if "clipped" in note and str(cut) in note and "1 of 40 files" in note]


def test_gains_bring_recordings_to_one_level(folders):
    write(folders[0] / "voice00" / "faint.wav", tone(500, amplitude=0.01))
    speech = open_corpus(*folders).speech
    pcm = np.fromfile(speech.pcm, np.int16) / 32768
    for start, length, gain in zip(speech.start, speech.length, speech.gain, strict=True):
        level = 20 * np.log10(np.sqrt(np.mean(np.square(gain * pcm[start : start + length]))))
        assert level == pytest.approx(-25.0, abs=0.1)


def test_a_damaged_cache_is_made_again(folders):
    speech = open_corpus(*folders).speech
    size = speech.pcm.stat().st_size
    speech.pcm.write_bytes(b"\0" * (size - 2))
    assert open_corpus(*folders).speech.pcm.stat().st_size == size
    (speech.pcm.parent / "manifest.json").write_text(json.dumps({"stamp": 3}))
    assert open_corpus(*folders).speech.pcm.stat().st_size == size


def test_a_cache_that_cannot_be_written_says_how_to_move_it(tmp_path, folders):
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="cannot write") as caught:
        open_corpus(*folders, cache=tmp_path / "file" / "below")
    assert "CODESIGN_CACHE" in caught.value.hint

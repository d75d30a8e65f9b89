# SPDX-License-Identifier: Apache-2.0
"""Training on recorded pairs and in recorded rooms: what is drawn is what was recorded."""

from __future__ import annotations

import pickle

import numpy as np
import pytest

from codesign.base.errors import InputError
from codesign.learning.data import PLAIN, MixSettings, open_data
from codesign.learning.data.pair_mixer import PairMixer, open_pairs
from codesign.learning.data.rooms import LEAD, POSITIONS, recorded_bank
from training_folders import RATE, noise_folder, speech_folder, tone, write

LENGTH = 4000


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Pairs of six voices: tones of 400 to 900 Hz, each with noise of its own at 0 dB in every file."""
    folder = tmp_path_factory.mktemp("pairs")
    rng = np.random.default_rng(1)
    for voice in range(6):
        for number in range(2):
            clean = tone(400 + 100 * voice, 0.4)
            noise = tone(3000 + 100 * voice, 0.4) + 1e-3 * rng.standard_normal(clean.size)
            name = f"p22{voice}_00{number}.wav"
            write(folder / "clean_trainset_28spk_wav" / name, clean)
            write(folder / "noisy_trainset_28spk_wav" / name, 0.5 * (clean + noise) + 0.5 * clean)
    return folder


@pytest.fixture(scope="module")
def pairs(folder):
    return open_pairs(folder, cache=folder / "cache")


def peak(signal, low, high):
    spectrum = np.abs(np.fft.rfft(signal * np.hanning(signal.size)))
    at = np.arange(spectrum.size) * RATE / signal.size
    spectrum[(at < low) | (at > high)] = 0
    return round(int(np.argmax(spectrum)) * RATE / signal.size / 100) * 100


def test_pairs_are_drawn_as_recorded_or_with_another_noise(pairs):
    mixer = PairMixer(pairs, "train", LENGTH, 3, MixSettings(snr_db=(-6.0, 9.0)))
    own, levels = [], []
    for _ in range(60):
        noisy, clean = mixer.mixture()
        voice, noise = peak(clean, 300, 1000), peak(noisy, 2500, 4000)
        ratio = 10 * np.log10(np.sum(clean**2) / np.sum((noisy - clean) ** 2))
        own.append(noise - voice == 2600 and abs(ratio - 6.02) < 0.1)
        levels.append(20 * np.log10(np.sqrt(np.mean(noisy**2))))
        assert -6.1 < ratio < 9.1
    assert 15 < sum(own) < 55
    assert min(levels) < -35
    assert max(levels) <= -14.9


def test_a_ratio_that_is_asked_for_and_splits_by_voices(pairs):
    heard = {}
    for split in ("train", "validation", "test"):
        mixer = PairMixer(pairs, split, LENGTH, 3, PLAIN)
        drawn = [mixer.mixture(3.0) for _ in range(12)]
        for noisy, clean in drawn:
            assert 10 * np.log10(np.sum(clean**2) / np.sum((noisy - clean) ** 2)) == pytest.approx(3.0, abs=0.01)
        heard[split] = {peak(clean, 300, 1000) for _, clean in drawn}
    assert not heard["train"] & heard["test"]
    assert not heard["train"] & heard["validation"]
    assert len(set.union(*heard.values())) == 6


def test_a_mixture_is_its_number_alone(pairs):
    mixer = PairMixer(pairs, "train", LENGTH, 3)
    batch = mixer.batch(5)
    again = pickle.loads(pickle.dumps(PairMixer(pairs, "train", LENGTH, 3)))
    assert np.array_equal(again.mixture(number=4)[0], batch[0][4])
    assert again.batch(2)[1].shape == (2, LENGTH)


def test_both_by_turns(tmp_path, folder):
    speech_folder(tmp_path / "speech", voices=4)
    noise_folder(tmp_path / "noise", files=4, seconds=0.5)
    data = open_data(tmp_path / "speech", tmp_path / "noise", folder, cache=tmp_path / "cache")
    plain = MixSettings(rooms=0.0)
    both = data.mixer("train", LENGTH, 3, plain)
    paired = PairMixer(data.pairs, "train", LENGTH, 3, plain)
    noisy, _ = both.batch(6)
    assert [np.array_equal(noisy[2 * turn + 1], paired.mixture()[0]) for turn in range(3)] == [True] * 3
    assert not np.array_equal(noisy[0], noisy[1])


@pytest.mark.parametrize(
    ("given", "says"),
    [((), "nothing to train on"), (("speech",), "nothing to train on"), (("pairs", "rooms"), "rooms without speech")],
)
def test_what_is_missing_is_said(folder, given, says):
    with pytest.raises(InputError, match=says):
        open_data(*(folder if name in given else None for name in ("speech", "noise", "pairs", "rooms")))


def test_pairs_of_different_lengths_are_left_out(tmp_path):
    for number, seconds in enumerate((0.4, 0.4, 0.4, 0.9)):
        write(tmp_path / "clean" / f"{number}.wav", tone(500, 0.4))
        write(tmp_path / "noisy" / f"{number}.wav", tone(500, seconds))
    found = open_pairs(tmp_path, cache=tmp_path / "cache")
    assert found.length.size == 3
    assert "1 pair of different lengths, the first" in found.notes[-1]


def test_rooms_that_were_recorded(tmp_path):
    rng = np.random.default_rng(2)
    for room in range(4):
        for number in range(2):
            response = np.zeros((3000, 2))
            response[200 + 10 * room, 0] = 0.8
            response[300:, 0] = 0.05 * rng.standard_normal(2700) * np.exp(-np.arange(2700) / 400)
            response[:, 1] = rng.standard_normal(3000) * 0.1
            write(tmp_path / "simulated_rirs" / f"Room00{room}" / f"Room00{room}-{number}.wav", response)
    banks = {s: recorded_bank(tmp_path, s, 0, RATE, tmp_path / "cache") for s in ("train", "validation", "test")}
    assert [len(bank) for bank in banks.values()] == [2, 1, 1]
    for bank in banks.values():
        assert bank.shape[1] == POSITIONS
        assert np.sum(np.square(bank[:, 0].astype(float)), axis=1) == pytest.approx(1.0)
        assert (np.argmax(np.abs(bank[:, 0]), axis=1) == LEAD).all(), "of two channels the first, from the direct sound on"
        assert np.array_equal(bank[:, 2], bank[:, 0])
    first = {bytes(room[0]) for bank in banks.values() for room in bank}
    assert len(first) == 4, "no room is in two splits"

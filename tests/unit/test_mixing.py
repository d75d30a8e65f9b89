# SPDX-License-Identifier: Apache-2.0
"""Mixtures: what is asked for is what comes out, whoever draws it."""

from __future__ import annotations

import os
import pickle
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from codesign.base.errors import InputError, ToolError
from codesign.learning.data import PLAIN, Batches, Mixer, MixSettings, open_corpus
from codesign.learning.data.mixer import GROUP
from codesign.learning.data.render import KNOTS, Renderer
from codesign.learning.data.rooms import LEAD, POSITIONS, REVERBERATION, ROOMS, room_bank
from training_folders import RATE, noise_folder, speech_folder

pytestmark = pytest.mark.slow  # the file as a whole

LENGTH = 8000


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("corpus")
    frequencies = speech_folder(folder / "speech", voices=20)
    noise_folder(folder / "noise")
    return frequencies, open_corpus(folder / "speech", folder / "noise", cache=folder / "cache")


@pytest.fixture
def corpus(made):
    return made[1]


def same(first, second):
    return all(np.array_equal(a, b) for a, b in zip(first, second, strict=True))


@pytest.mark.parametrize("snr", [-6.0, 0.0, 9.0])
@pytest.mark.parametrize("kind", ["recorded", "events", "coloured", "babble", "voices"])
def test_the_ratio_is_the_one_asked_for(corpus, kind, snr):
    mixer = Mixer(corpus, "train", LENGTH, 1, MixSettings(kinds={kind: 1.0}, rooms=0.0))
    for _ in range(5):
        noisy, clean = (signal.astype(np.float64) for signal in mixer.mixture(snr))
        assert 10 * np.log10(np.sum(clean**2) / np.sum((noisy - clean) ** 2)) == pytest.approx(snr, abs=0.01)


def test_levels_and_ratios_stay_in_their_ranges(corpus):
    mixer = Mixer(corpus, "train", LENGTH, 1, MixSettings(rooms=0.0, wide=0.0, clean_only=0.0, noise_only=0.0))
    noisy, clean = mixer.batch(40)
    assert noisy.shape == clean.shape == (40, LENGTH)
    assert noisy.dtype == clean.dtype == np.float32
    level = 20 * np.log10(np.sqrt(np.mean(noisy.astype(np.float64) ** 2, axis=1)))
    powers = [np.sum(signal.astype(np.float64) ** 2, axis=1) for signal in (clean, noisy - clean)]
    ratio = 10 * np.log10(powers[0] / powers[1])
    assert level.min() > -40.01
    assert level.max() < -14.99
    assert level.max() - level.min() > 10
    assert ratio.min() > -6.01
    assert ratio.max() < 9.01
    assert ratio.max() - ratio.min() > 8
    assert np.abs(noisy).max() < 1.0


def test_only_voices_of_the_split_are_heard(made):
    frequencies, corpus = made
    for split in ("train", "validation", "test"):
        allowed = {frequencies[name] for name in corpus.speech.groups_of(split)}
        mixer = Mixer(corpus, split, LENGTH, 3, PLAIN)
        for _ in range(20):
            spectrum = np.abs(np.fft.rfft(mixer.mixture()[1] * np.hanning(LENGTH)))
            assert round(int(np.argmax(spectrum)) * RATE / LENGTH / 100) * 100 in allowed


def test_other_talkers_are_higher_than_any_that_is_meant(made):
    frequencies, corpus = made
    settings = replace(PLAIN, kinds={"voices": 1.0}, voices_speed=(1.45, 1.45), noise_only=1.0)
    mixer = Mixer(corpus, "train", LENGTH, 3, settings)
    allowed = [1.45 * frequencies[name] for name in corpus.speech.groups_of("train")]
    for _ in range(20):
        spectrum = np.abs(np.fft.rfft(mixer.mixture()[0] * np.hanning(LENGTH)))
        heard = int(np.argmax(spectrum)) * RATE / LENGTH
        assert min(abs(heard / frequency - 1) for frequency in allowed) < 0.02


def test_hiss_comes_on_top_of_the_ratio(corpus):
    settings = MixSettings(rooms=0.0, clean_only=0.0, noise_only=0.0)
    without = Mixer(corpus, "train", LENGTH, 3, settings)
    with_hiss = Mixer(corpus, "train", LENGTH, 3, replace(settings, hiss=1.0, hiss_db=(-20.0, -20.0)))
    for number in range(20):
        (noisy, clean), (hissing, target) = (
            (signal.astype(np.float64) for signal in mixer.mixture(30.0, number)) for mixer in (without, with_hiss)
        )
        # Levels are drawn anew: compare with the talker as the measure.
        scale = np.sqrt(np.sum(target**2) / np.sum(clean**2))
        hiss = (hissing - target) / scale - (noisy - clean)
        assert target == pytest.approx(scale * clean, rel=1e-4, abs=1e-7)
        assert 10 * np.log10(np.sum(hiss**2) / np.sum(clean**2)) == pytest.approx(-20.0, abs=0.05)


def test_a_thin_talker_has_no_bass(corpus):
    mixer = Mixer(corpus, "train", LENGTH, 3, replace(PLAIN, thin=1.0))
    for seed in range(20):
        gain = mixer._speech_gain(np.random.default_rng(seed))
        low, high = (int(hertz * mixer._renderer.size / RATE) for hertz in (30, 1000))
        assert gain[low] < 0.05
        assert gain[high] > 0.95


def test_impacts_die_away(corpus):
    for seed in range(20):
        sound = Mixer(corpus, "train", LENGTH, 1, PLAIN)._impact(np.random.default_rng(seed))
        assert np.isfinite(sound).all()
        assert np.abs(sound).max() == pytest.approx(0.5, rel=1e-3)
        energy = np.cumsum(sound.astype(np.float64) ** 2)
        assert np.searchsorted(energy, 0.9 * energy[-1]) < 0.8 * sound.size


def test_a_mixture_depends_on_its_number_alone(corpus):
    settings = MixSettings(rooms=0.0)
    alone = Mixer(corpus, "train", LENGTH, 5, settings)
    pairs = [alone.mixture() for _ in range(6)]
    batches = Mixer(corpus, "train", LENGTH, 5, settings)
    first, second = batches.batch(4), batches.batch(2)
    noisy = np.concatenate([first[0], second[0]])
    assert np.array_equal(noisy, np.stack([pair[0] for pair in pairs]))
    later = Mixer(corpus, "train", LENGTH, 5, settings)
    later.position = 4
    assert same(later.batch(2), second)
    assert same(later.mixture(number=1), pairs[1])


def test_seeds_and_splits_differ(corpus):
    mixers = [Mixer(corpus, split, LENGTH, seed, PLAIN) for split, seed in (("train", 1), ("train", 2), ("test", 1))]
    drawn = [mixer.mixture()[0] for mixer in mixers]
    assert not any(np.array_equal(drawn[a], drawn[b]) for a, b in ((0, 1), (0, 2), (1, 2)))


def test_rendered_parts_are_used_again_with_other_partners(corpus):
    settings = MixSettings(rooms=0.0, clean_only=0.0, noise_only=0.0, reuse=3)
    mixer = Mixer(corpus, "train", LENGTH, 1, settings)
    pairs = [mixer.mixture() for _ in range(3 * GROUP)]
    shapes = [
        [signal.astype(np.float64) / np.linalg.norm(signal.astype(np.float64)) for signal in (clean, noisy - clean)]
        for noisy, clean in pairs
    ]
    for place in range(GROUP):
        talkers = [shapes[turn * GROUP + place][0] for turn in range(3)]
        assert min(float(talkers[0] @ talker) for talker in talkers) > 0.999
        noises = [shapes[turn * GROUP + (place - turn) % GROUP][1] for turn in range(3)]
        assert min(float(noises[0] @ noise) for noise in noises) > 0.99
    again = Mixer(corpus, "train", LENGTH, 1, settings)
    assert all(same(again.mixture(number=number), pairs[number]) for number in (30, 2, 17))


def test_a_share_is_noise_alone_or_nearly_clean(corpus):
    alone = Mixer(corpus, "train", LENGTH, 1, MixSettings(rooms=0.0, noise_only=1.0, clean_only=0.0))
    noisy, clean = alone.mixture()
    assert not clean.any()
    assert np.abs(noisy).max() > 0.01
    noisy, clean = Mixer(corpus, "train", LENGTH, 1, MixSettings(rooms=0.0, noise_only=0.0, clean_only=1.0)).mixture()
    assert 20 * np.log10(np.linalg.norm(clean) / np.linalg.norm(noisy - clean)) > 40


def test_a_process_gives_the_same_batches_and_goes_on_where_asked(corpus):
    mixer = Mixer(corpus, "train", LENGTH, 7, MixSettings(rooms=0.0))
    expected = [mixer.batch(3) for _ in range(3)]
    mixer.position = 3
    with Batches(mixer, 3) as batches:
        assert same(next(batches), expected[1])
        assert same(next(batches), expected[2])
    assert mixer.position == 3
    with Batches(mixer, 3, process=False) as batches:
        assert same(next(iter(batches)), expected[1])


def test_a_killed_process_is_an_error_and_no_wait(corpus):
    with Batches(Mixer(corpus, "train", LENGTH, 7, PLAIN), 1, ahead=1) as batches:
        next(batches)
        os.kill(batches._process.pid, signal.SIGKILL)
        with pytest.raises(ToolError, match="mixing process ended with code -9"):
            for _ in range(10):
                next(batches)


KILLED = """
import pickle, sys, time
from codesign.learning.data import Batches
if __name__ == "__main__":
    with Batches(pickle.load(sys.stdin.buffer), 2) as batches:
        next(batches)
        print(batches._process.pid, flush=True)
        time.sleep(60)
"""


def test_the_process_ends_with_a_parent_that_was_killed(corpus, tmp_path):
    (tmp_path / "killed.py").write_text(KILLED)
    mixer = Mixer(corpus, "train", LENGTH, 1, MixSettings(rooms=0.0))
    with subprocess.Popen([sys.executable, tmp_path / "killed.py"], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as training:
        training.stdin.write(pickle.dumps(mixer))
        training.stdin.close()
        child = int(training.stdout.readline())
        training.kill()
    for _ in range(200):
        state = Path(f"/proc/{child}/stat")
        if not state.exists() or state.read_text().rsplit(")", 1)[1].split()[0] == "Z":
            return
        time.sleep(0.1)
    raise AssertionError(f"process {child} is still there")


def test_an_error_in_the_process_arrives_here(corpus, tmp_path):
    mixer = Mixer(corpus, "train", LENGTH, 7, PLAIN)
    mixer.mixture()  # what is spoken is taken with the first one
    mixer._speech = Silent()
    with pytest.raises(InputError, match="stretches in a row were silent"):
        mixer.mixture()
    with Batches(Failing(), 1) as batches, pytest.raises(InputError, match="as it should"):
        next(batches)
    with Batches(Failing(ValueError("odd")), 1) as batches, pytest.raises(ToolError, match="ValueError: odd"):
        next(batches)


class Silent:
    def stretch(self, rng, size, pauses):
        return np.zeros(size, np.float32)


class Failing:
    def __init__(self, error=None):
        self.error = error or InputError("as it should")

    def batch(self, size):
        raise self.error


def test_pickled_as_its_arguments(corpus):
    mixer = Mixer(corpus, "test", LENGTH, 9, PLAIN)
    mixer.batch(2)
    data = pickle.dumps(mixer)
    assert len(data) < 100_000
    assert same(pickle.loads(data).mixture(), mixer.mixture())


@pytest.mark.parametrize(
    "values",
    [
        {"snr_db": (9.0, -6.0)},
        {"speech_speed": (0.1, 1.0)},
        {"rooms": 1.5},
        {"noise_only": 0.6, "clean_only": 0.6},
        {"kinds": {"traffic": 1.0}},
        {"kinds": {"babble": 0.0}},
        {"kinds": {"babble": -1.0}},
        {"layers": ()},
        {"level_db": (-20.0, 3.0)},
    ],
)
def test_impossible_settings_are_refused(values):
    with pytest.raises(InputError, match=next(iter(values))):
        MixSettings(**values)


def test_a_length_of_nothing_is_refused(corpus):
    with pytest.raises(InputError, match="mixtures of 0 samples"):
        Mixer(corpus, "train", 0, 1, PLAIN)


def test_an_empty_split_is_refused(tmp_path):
    speech_folder(tmp_path / "speech", voices=1, files=1)
    noise_folder(tmp_path / "noise", files=4)
    corpus = open_corpus(tmp_path / "speech", tmp_path / "noise", cache=tmp_path / "cache")
    with pytest.raises(InputError, match="no speech for test"):
        Mixer(corpus, "test", LENGTH, 1, PLAIN)


def test_weights_choose_folders(made):
    frequencies, corpus = made
    voice = corpus.speech.groups_of("train")[3]
    mixer = Mixer(corpus, "train", LENGTH, 3, MixSettings(**{**vars(PLAIN), "speech_weights": {"*": 0.0001, voice: 1e9}}))
    for _ in range(10):
        peak = int(np.argmax(np.abs(np.fft.rfft(mixer.mixture()[1] * np.hanning(LENGTH)))))
        assert round(peak * RATE / LENGTH / 100) * 100 == frequencies[voice]


def test_background_talkers_have_weights_of_their_own(made):
    frequencies, corpus = made
    meant, other = corpus.speech.groups_of("train")[2:4]
    settings = replace(
        PLAIN,
        kinds={"voices": 1.0},
        voices_speed=(1.0, 1.0),
        speech_weights={"*": 0.0001, meant: 1e9},
        voices_weights={"*": 0.0001, other: 1e9},
    )
    mixer = Mixer(corpus, "train", LENGTH, 3, settings)
    for _ in range(10):
        noisy, clean = mixer.mixture(0.0)
        for heard, voice in ((clean, meant), (noisy - clean, other)):
            peak = int(np.argmax(np.abs(np.fft.rfft(heard * np.hanning(LENGTH)))))
            assert round(peak * RATE / LENGTH / 100) * 100 == frequencies[voice]


def test_a_room_is_a_convolution():
    rng = np.random.default_rng(0)
    renderer = Renderer(4000, RATE, tail=500)
    source = rng.standard_normal(renderer.source_size(1.0)).astype(np.float32)
    response = rng.standard_normal(500).astype(np.float32)
    expected = np.convolve(source.astype(np.float64), response)[500:4500]
    assert np.abs(renderer.render(source, response) - expected).max() < 1e-4 * np.abs(expected).max()


@pytest.mark.parametrize("speed", [0.8, 1.25])
def test_speed_changes_pitch_and_keeps_the_level(speed):
    renderer = Renderer(LENGTH, RATE, tail=0)
    size = renderer.source_size(speed)
    frequency = 1000.0
    rendered = renderer.render(np.sin(2 * np.pi * frequency * np.arange(size) / RATE).astype(np.float32))
    spectrum = np.abs(np.fft.rfft(rendered * np.hanning(LENGTH)))
    assert np.argmax(spectrum) * RATE / LENGTH == pytest.approx(frequency * size / renderer.size, abs=RATE / LENGTH)
    assert np.abs(rendered[1000:-1000]).max() == pytest.approx(1.0, abs=0.02)


def test_curves_and_filters_have_the_gain_they_name():
    renderer = Renderer(LENGTH, RATE, tail=0)
    knots = np.array([6.0, 0, -6, 3, 0, 0, 12, -12])

    def at(gain, frequency):
        return 20 * np.log10(gain[np.argmin(np.abs(renderer.frequencies - frequency))])

    curve = renderer.curve(knots)
    for knot, value in enumerate(knots):
        assert at(curve, 62.5 * 2 ** (7 * knot / (KNOTS - 1))) == pytest.approx(value, abs=0.2)
    assert at(renderer.low_shelf(12.0, 200.0), 30) == pytest.approx(12.0, abs=0.1)
    assert at(renderer.low_shelf(12.0, 200.0), 2000) == pytest.approx(0.0, abs=0.1)
    assert at(renderer.high_pass(200.0), 200) == pytest.approx(-6.02, abs=0.1)
    assert at(renderer.high_pass(200.0), 50) == pytest.approx(-48.2, abs=0.5)
    assert at(renderer.resonance(1000.0, 0.1, 3.0), 1000) == pytest.approx(12.04, abs=0.1)


def test_rooms_are_made_once_and_decay_as_asked(tmp_path, corpus, monkeypatch):
    pytest.importorskip("pyroomacoustics", reason="pyroomacoustics is not installed")
    monkeypatch.setattr("codesign.learning.data.rooms.ROOMS", 6)
    bank = room_bank(1, RATE, tmp_path)
    assert bank.shape[:2] == (6, POSITIONS)
    assert np.sum(np.square(bank[:, 0], dtype=np.float64), axis=1) == pytest.approx(np.ones(6), abs=1e-3)
    for room in bank:
        assert np.abs(room[0][: LEAD // 2]).max() < 0.1 * np.abs(room[0]).max()
        energy = np.cumsum(np.square(room[0][::-1], dtype=np.float64))[::-1]
        falls = [int(np.argmax(energy < energy[0] * 10 ** (limit / 10))) for limit in (-5, -25)]  # T20 of ISO 3382
        assert REVERBERATION[0] / 4 < 3 * (falls[1] - falls[0]) / RATE < 2 * REVERBERATION[1]
    monkeypatch.setitem(sys.modules, "pyroomacoustics", None)
    assert np.array_equal(room_bank(1, RATE, tmp_path), bank)
    with pytest.raises(ToolError, match="pip install pyroomacoustics"):
        room_bank(2, RATE, tmp_path)


def test_a_room_changes_the_talker(corpus, tmp_path, monkeypatch):
    pytest.importorskip("pyroomacoustics", reason="pyroomacoustics is not installed")
    monkeypatch.setenv("CODESIGN_CACHE", str(tmp_path))
    monkeypatch.setattr("codesign.learning.data.rooms.ROOMS", 3)
    always = MixSettings(**{**vars(PLAIN), "rooms": 1.0})
    mixer = Mixer(corpus, "train", LENGTH, 1, always)
    noisy, clean = mixer.mixture(3.0)
    assert 20 * np.log10(np.linalg.norm(clean) / np.linalg.norm(noisy - clean)) == pytest.approx(3.0, abs=0.01)
    assert same(Mixer(corpus, "train", LENGTH, 1, always).mixture(3.0), (noisy, clean))
    assert ROOMS >= 50

# SPDX-License-Identifier: Apache-2.0
"""Signals that are not aligned with the clean one are said: their SI-SDR would be that of another network."""

from __future__ import annotations

import numpy as np
import pytest
import soundfile

from codesign.hearing.evaluate import find_pairs
from codesign.hearing.evaluate.lag import lag_of, notes_on_lags
from pair_folders import ITEMS, RATE, evaluate, make_folder, pair_and_list, speech, write


def shifted(pcm, lag):
    return np.roll(np.pad(pcm, 4000), lag)[4000 : 4000 + pcm.size]


@pytest.mark.parametrize("lag", [0, 10, 100, -333, 1500])
@pytest.mark.parametrize("gain", [1.0, -0.3])
def test_lags_of_noisy_signals(lag, gain):
    clean, noisy = speech(1.5, 1)
    assert lag_of((gain * shifted(noisy, lag)).astype(np.int16), clean, RATE) == lag


@pytest.mark.parametrize("lag", [1, -2])
def test_a_sample_counts_where_it_costs_decibels(lag):
    clean, noisy = speech(1.5, 1)
    assert lag_of(shifted(clean, lag), clean, RATE) == lag
    loud = np.random.default_rng(1).normal(0, 2 * clean.std(), clean.size)
    assert lag_of(shifted((clean + loud).astype(np.int16), lag), clean, RATE) == 0  # as much noise hides it
    assert lag_of(noisy, clean, RATE) == 0


def test_no_lag_where_none_is_clear():
    clean, _ = speech(1.5, 1)
    other = (3000 * np.random.default_rng(1).standard_normal(clean.size)).astype(np.int16)
    nothing = np.zeros_like(clean)
    for pair in ((other, clean), (nothing, clean), (clean, nothing), (clean[:1], clean[:1]), (clean, clean)):
        assert lag_of(*pair, RATE) == 0


def test_what_the_noisy_signals_lag_is_said_once():
    lags = {"noisy": [80, 0], "model": [80, 0], "other": [-7, -9], "fine": [0, 0]}
    first, second = notes_on_lags(lags, RATE)
    assert first.startswith("noisy: 1 of 2 signals lag behind the clean ones, by 80 samples (5.0 ms)")
    assert first.endswith("shift each pair to one start")
    assert second.startswith("other: 2 of 2 signals are ahead of the clean ones, by 7 to 9 samples (0.6 ms)")
    assert "--delay" in second


@pytest.mark.slow
def test_evaluate_says_what_lags(tmp_path):
    folder = make_folder(tmp_path / "data")
    assert not any("aligned" in note for note in evaluate(*pair_and_list(folder)).notes)
    for item in ITEMS:
        half = soundfile.read(folder / "half" / f"{item}.wav", dtype="int16")[0]
        write(folder / "half" / f"{item}.wav", shifted(half, 37))
    notes = [note for note in evaluate(*pair_and_list(folder)).notes if "aligned" in note]
    assert len(notes) == 1
    assert notes[0].startswith("half: 3 of 3 signals lag behind the clean ones, by 37 samples (2.3 ms)")
    noisy = soundfile.read(folder / "noisy" / "a.wav", dtype="int16")[0]
    write(folder / "noisy" / "a.wav", shifted(noisy, -5))
    notes = [note for note in evaluate(find_pairs(folder), []).notes if "aligned" in note]
    assert [note.partition(",")[0] for note in notes] == ["noisy: 1 of 3 signals are ahead of the clean ones"]

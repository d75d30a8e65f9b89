# SPDX-License-Identifier: Apache-2.0
"""evaluate where it goes wrong: measures that die, errors half-way, full disks; and figures that stay the same."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile

import codesign.hearing.evaluate
import fragile
from codesign.base.errors import InputError
from codesign.base.metrics import estoi
from codesign.hearing.evaluate import find_outputs, find_pairs, recorded_system, summarize
from codesign.hearing.evaluate.journal import Journal
from codesign.hearing.evaluate.scoring import plan_scores, scores
from codesign.hearing.evaluate.write import render_csv, render_markdown
from pair_folders import ITEMS, RATE, evaluate, make_folder, of, pair_and_list, recorded, speech, workers, write

pytestmark = pytest.mark.slow  # the file as a whole


@pytest.fixture
def folder(tmp_path):
    return make_folder(tmp_path / "data")


@pytest.mark.slow
def test_processes_score_the_same(folder):
    pairs, system = recorded(folder)
    assert codesign.hearing.evaluate.evaluate(pairs, [system], jobs=3) == codesign.hearing.evaluate.evaluate(pairs, [system])


@pytest.mark.slow
def test_estoi_draws_the_same_noise_every_time(folder):
    """Where the estimate is zero the noise that pystoi adds is all there is of it."""
    noisy = soundfile.read(folder / "noisy" / "a.wav", dtype="int16")[0]
    for item in ITEMS:
        write(folder / "cut" / f"{item}.wav", np.where(np.arange(noisy.size) < 12000, noisy, 0).astype(np.int16))
    clean = soundfile.read(folder / "clean" / "a.wav")[0]
    cut = soundfile.read(folder / "cut" / "a.wav")[0]
    np.random.seed(5)
    expected = np.random.random()
    np.random.seed(5)
    first = estoi(cut, clean, RATE)
    assert np.random.random() == expected
    assert estoi(cut, clean, RATE) == first
    pairs, system = recorded(folder, "cut")
    half = recorded_system("half", find_outputs(pairs, "half"), RATE, "half")
    found = evaluate(pairs, [system])
    assert of(found, "cut", "estoi")[0] == pytest.approx(first, abs=1e-12)
    others = evaluate(pairs, [half, system])
    assert of(others, "cut", "estoi") == of(found, "cut", "estoi")
    assert of(others, "noisy", "estoi") == of(found, "noisy", "estoi")


def test_a_measure_that_dies_costs_its_own_figure(folder):
    half = soundfile.read(folder / "half" / "b.wav", dtype="int16")[0]
    half[0] = 1
    write(folder / "half" / "b.wav", half)
    pairs, system = recorded(folder)
    whole, broken = evaluate(pairs, [system]), evaluate(pairs, [system], compute=fragile.dies_of_ones)
    assert broken.complete
    assert "b, half: estoi: its process died of SIGSEGV" in broken.notes
    for before, after in zip(whole.scores, broken.scores, strict=True):
        lost = {"estoi": None} if (after.item, after.system) == ("b", "half") else {}
        assert after.values == {**before.values, **lost}
    difference = next(d for d in broken.differences if d.measure == "estoi").over
    assert difference.n == len(ITEMS) - 1
    assert "its process died of SIGSEGV" in render_markdown(broken)


@pytest.mark.slow
def test_pesq_of_more_utterances_than_it_has_room_for(tmp_path):
    pytest.importorskip("pesq", reason="pesq is not installed")
    clean, _ = speech(0.4, 0)
    burst = np.concatenate([clean, np.zeros(RATE // 2, np.int16)])
    many = np.tile(burst, 70)
    noise = (np.random.default_rng(0).standard_normal(many.size) * 30).astype(np.int16)
    for name, pcm in (("many", many), ("one", burst)):
        write(tmp_path / "clean" / f"{name}.wav", pcm)
        write(tmp_path / "noisy" / f"{name}.wav", pcm + noise[: pcm.size])
    found = evaluate(find_pairs(tmp_path), [])
    assert of(found, "noisy", "pesq_wb")[0] is None
    assert of(found, "noisy", "pesq_wb")[1] > 1
    assert of(found, "noisy", "estoi")[0] > 0.5
    assert any(note.startswith("many, noisy: pesq_wb: its process died of SIG") for note in found.notes)


def test_scores_come_before_the_error_that_ends_them(folder):
    (folder / "half" / "c d.wav").write_bytes(b"RIFFnothing")
    pairs, system = recorded(folder)
    plan = plan_scores(pairs, [system])
    found = []
    with pytest.raises(InputError, match="c d"):
        for scored in scores(plan, workers(), lambda *_: None, lambda *_: None):
            found.append(scored)
    assert {(s.score.item, s.score.system) for s in found} == {(i, s) for i in ("a", "b") for s in ("noisy", "half")}
    result = summarize(plan, found[::-1])
    assert not result.complete
    assert [item.name for item in result.items] == ["a", "b"]
    assert result.notes[0] == "not complete: 4 of 6 scores (2 of 3 items)"


def test_few_items_are_said(folder):
    notes = evaluate(*pair_and_list(folder)).notes
    assert notes == ("means of 3 items: intervals of fewer than 20 hold only if the figures are about normal",)


def test_the_journal_outlives_a_full_disk(folder, tmp_path, monkeypatch):
    result = evaluate(*pair_and_list(folder))
    (tmp_path / "e.partial.csv").write_text("of an earlier run")
    journal = Journal(tmp_path / "e.json", result.measures)
    for score in result.scores:
        journal.add(score)
    assert journal.path.name == "e.partial-2.csv"
    assert journal.path.read_bytes().decode() == render_csv(result)
    journal.close(remove=True)
    assert [path.name for path in tmp_path.iterdir() if path.suffix == ".csv"] == ["e.partial.csv"]
    with pytest.raises(InputError, match="cannot write"):
        Journal(tmp_path / "none" / "e.csv", result.measures)
    if Path("/dev/full").exists():
        monkeypatch.setattr(Path, "open", lambda *_, **options: open("/dev/full", "w", **options))  # noqa: PTH123, SIM115
        full = Journal(tmp_path / "full.csv", result.measures)
        full.add(result.scores[0])
        full.close(remove=False)
        assert full.problem == "No space left on device"


def test_what_reading_did_to_recordings_is_said(folder):
    """Clipping and averaging change figures as much as a network does."""
    loud = 4.0 * soundfile.read(folder / "half" / "a.wav")[0] / 0.3
    soundfile.write(folder / "half" / "a.wav", loud, RATE, subtype="FLOAT")
    clipped = int(np.count_nonzero(np.abs(np.rint(loud.astype(np.float32) * 32768.0)) > 32768))
    assert clipped > 1
    for item in ITEMS:
        noisy = soundfile.read(folder / "noisy" / f"{item}.wav", dtype="int16")[0]
        write(folder / "noisy" / f"{item}.wav", np.stack([noisy, noisy], axis=1))
    notes = evaluate(*pair_and_list(folder)).notes
    assert [note for note in notes if "clipped" in note] == [f"a, half: {clipped:,} samples beyond full scale clipped"]
    assert [note for note in notes if "channels" in note] == ["noisy: recordings of 2 channels, averaged to mono"]


def test_a_clean_signal_of_another_recording_is_said(folder):
    assert not any("pairs" in note for note in evaluate(*pair_and_list(folder)).notes)
    other = np.random.default_rng(9).normal(0, 3000, 24000).astype(np.int16)
    write(folder / "clean" / "b.wav", other)
    found = [note for note in evaluate(find_pairs(folder), []).notes if "pairs" in note]
    assert len(found) == 1
    assert found[0].startswith("1 noisy signal, such as b, with SI-SDR below -20 dB: next to nothing of the clean signal")

# SPDX-License-Identifier: Apache-2.0
"""Which files are pairs: corpora of noisy and clean speech as they are unpacked, and two folders with a pattern."""

from __future__ import annotations

import pytest

from codesign.base.errors import InputError
from codesign.hearing.evaluate import find_outputs, find_pairs
from codesign.hearing.evaluate.pairs import pairs_between
from codesign.learning.data.pairs import find_pair_files
from corpus_folders import CHIME2, VOICEBANK, made

DNS_TEST = [
    f"test_set/synthetic/no_reverb/{name}.wav"
    for n, snr in ((1, 15), (12, 3), (158, 0))
    for name in (f"noisy/clnsp{n}_train_69005_1_snr{snr}_tl-21_fileid_{n}", f"clean/clean_fileid_{n}")
]


def found(folder):
    pairs = find_pair_files(folder)
    return {(str(p.noisy.relative_to(folder)), str(p.clean.relative_to(folder))): (p.group, p.split) for p in pairs.files}


def test_voicebank(tmp_path):
    pairs = found(made(tmp_path, VOICEBANK))
    assert len(pairs) == 12
    assert pairs["noisy_testset_wav/p232_001.wav", "clean_testset_wav/p232_001.wav"] == ("p232", "test")
    assert pairs["noisy_trainset_28spk_wav/p226_002.wav", "clean_trainset_28spk_wav/p226_002.wav"] == ("p226", "train")
    tests = find_pairs(tmp_path)
    assert tests.items == tuple(f"noisy_testset_wav/{voice}_00{n}" for voice in ("p232", "p257") for n in (1, 2))
    assert tests.clean["noisy_testset_wav/p232_001"] == tmp_path / "clean_testset_wav" / "p232_001.wav"
    with pytest.raises(InputError, match="no place for other systems; give one: --system theirs=FOLDER"):
        find_outputs(tests, "theirs")


def test_dns_challenge_by_number(tmp_path):
    pairs = found(made(tmp_path, DNS_TEST))
    assert {noisy.rpartition("_")[2] for noisy, _ in pairs} == {"1.wav", "12.wav", "158.wav"}
    assert all(noisy.rpartition("_")[2] == clean.rpartition("_")[2] for noisy, clean in pairs)
    folder = tmp_path / "test_set" / "synthetic" / "no_reverb"
    assert pairs_between(folder / "noisy", folder / "clean").items == ("1", "12", "158")
    some = pairs_between(folder / "noisy", folder / "clean", "*fileid_1{id}.wav")
    assert some.items == ("2", "58")


def test_chime2_has_several_ratios_to_one_clean_signal(tmp_path):
    pairs = found(made(tmp_path, CHIME2))
    assert len(pairs) == 8
    assert pairs["devel/isolated/m6dB/si_x/050c0201.wav", "devel/reverberated/si_x/050c0201.wav"] == ("050", "validation")
    made(tmp_path, [file.replace("reverberated", "scaled") for file in CHIME2 if "reverberated" in file])
    assert {clean.split("/")[1] for _, clean in found(tmp_path)} == {"scaled"}


def test_halves_that_are_missing_are_said(tmp_path):
    made(tmp_path, ["noisy/a.wav", "noisy/b.wav", "clean/a.wav", "clean/c.wav"])
    pairs = find_pair_files(tmp_path)
    assert [pair.noisy.name for pair in pairs.files] == ["a.wav"]
    assert "b.wav" in pairs.notes[0]
    assert "c.wav" in pairs.notes[1]
    with pytest.raises(InputError, match=r"noisy/b\.wav has no other half in .*clean: nothing there is called b"):
        pairs_between(tmp_path / "noisy", tmp_path / "clean")


@pytest.mark.parametrize(
    ("files", "pattern", "says"),
    [
        (["noisy/x/a.wav", "noisy/y/a.wav", "clean/a.wav"], "{id}.wav", "are both a"),
        (["noisy/a.wav", "clean/a.wav"], "*.wav", "has not one {id}"),
        (["noisy/a.wav", "clean/a.wav"], "b_{id}.wav", "no recordings called b_"),
        (["noisy/a.wav", "other/b.wav"], "", "is not a folder"),
    ],
)
def test_two_folders_that_do_not_match(tmp_path, files, pattern, says):
    made(tmp_path, files)
    with pytest.raises(InputError, match=says):
        pairs_between(tmp_path / "noisy", tmp_path / "clean", pattern)


def test_speech_alone_is_no_pairs(tmp_path):
    with pytest.raises(InputError, match="names do not say which files are clean"):
        find_pair_files(made(tmp_path, ["a/1.wav", "b/1.wav"]))

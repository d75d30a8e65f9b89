# SPDX-License-Identifier: Apache-2.0
"""Fitting: audiograms that are typed or named, NAL-R against an implementation of others, and a table that build takes."""

import inspect

import numpy as np
import pytest
from typer.testing import CliRunner

import codesign
from codesign.base.errors import InputError
from codesign.base.resources import resource
from codesign.cli.app import app
from codesign.compiler.load import load_model
from codesign.compiler.model.chain_file import fit_entries
from codesign.firmware.boards import load_board
from codesign.firmware.settings import set_up
from codesign.hearing.fitting import AUDIOGRAMS, fit, insertion_gains, read_audiogram
from codesign.hearing.fitting.aided import aided
from codesign.hearing.fitting.fit import LEVELS, compressor_of, limit_of, toml_of
from codesign.hearing.fitting.nal_r import CONSTANTS


@pytest.mark.parametrize("name", AUDIOGRAMS)
def test_nal_r_is_what_pyclarity_computes(name):
    clarity = pytest.importorskip("clarity.enhancer.nalr", reason="pyclarity is not installed")
    from clarity.utils.audiogram import Audiogram as Theirs

    audiogram = read_audiogram(name)
    frequencies = [int(f) for f in clarity.NALR_FREQS]
    filters, _ = clarity.NALR(220, 16000).build(Theirs(levels=audiogram.at(frequencies), frequencies=np.array(frequencies)))
    theirs = 20 * np.log10(np.abs(np.fft.rfft(filters, 16000)))[frequencies]
    ours = dict(zip(CONSTANTS, insertion_gains(audiogram), strict=True))
    # Their filter of 221 taps smooths over frequency what is a table here, where it is steep: below 500 Hz.
    assert theirs[0] == pytest.approx(ours[250], abs=1.6)
    assert theirs[1:] == pytest.approx([ours[f] for f in frequencies[1:]], abs=0.7)


def test_nal_r_by_hand():
    """H = 40 everywhere: X = 0.05·120 = 6, and 6 + 12.4 + k."""
    flat = insertion_gains(read_audiogram("250:40,6000:40"))
    assert flat == pytest.approx([max(18.4 + k, 0) for k in CONSTANTS.values()])
    severe = insertion_gains(read_audiogram("250:80,6000:80"))
    assert severe == pytest.approx([9 + 0.116 * 60 + 24.8 + k for k in CONSTANTS.values()])
    assert not insertion_gains(read_audiogram("NH")).any()


def test_speech_of_average_level_has_the_gains_of_nal_r_and_louder_sounds_less():
    fitting = fit(read_audiogram("N3"))
    table = np.array(fitting.compressor.gains)
    at_speech = [np.interp(level, LEVELS, row) for level, row in zip(fitting.speech, table, strict=True)]
    assert at_speech == pytest.approx(list(fitting.insertion_gains), abs=0.7)
    assert (np.diff(table, axis=1) <= 0).all()
    below = np.array(fitting.speech) - 15 > 30
    assert (table[below, 0] == table[below, 1]).all(), "linear below the knee"
    assert below.sum() == 6
    assert table.min() >= 0
    band = [float(np.interp(level, LEVELS, table[5])) for level in (60.0, 70.0)]
    assert band[0] - band[1] == pytest.approx(10 * (1 - 1 / fitting.ratios[5]), abs=0.05)
    linear = np.array(fit(read_audiogram("N3"), ratio=1.0).compressor.gains)
    assert np.ptp(linear, axis=1).max() == 0


def test_speech_in_the_bands_adds_up_to_65_db():
    speech = np.array(fit(read_audiogram("N3")).speech)
    assert 10 * np.log10(np.sum(10 ** (speech / 10))) == pytest.approx(65, abs=1.0)


def test_a_file_gives_back_the_table(tmp_path):
    found = fit(read_audiogram("250:20,500:25,1000:40,4000:60"), attack=7.0)
    path = tmp_path / "fit.toml"
    path.write_text(toml_of(found))
    assert compressor_of(path) == found.compressor
    assert fit_entries(path) == {"compressor": found.compressor, "attenuation_limit": 3.0}
    path.write_text(toml_of(fit(read_audiogram("N3"), attenuation_limit=None)))
    assert limit_of(path) is None


def test_all_who_fit_have_the_same_defaults(tmp_path):
    """The library, the functions of the package and the command line."""
    ours, theirs = (inspect.signature(function).parameters for function in (fit, codesign.fit))
    names = ("ratio", "attack", "release", "attenuation_limit")
    assert [theirs[name].default for name in names] == [ours[name].default for name in names]
    CliRunner().invoke(app, ["fit", "--audiogram", "N3", "-o", str(tmp_path / "fit.toml")])
    assert (tmp_path / "fit.toml").read_text() == toml_of(fit(read_audiogram("N3")))


def test_the_limit_of_a_fitting_holds_where_the_chain_has_none(tmp_path):
    path, board = tmp_path / "fit.toml", load_board("nrf5340dk")
    path.write_text(toml_of(fit(read_audiogram("N2"), attenuation_limit=7.5)))
    assert limit_of(path) == 7.5
    model = load_model(resource("models", "low-latency", "low-latency.onnx"))
    assert set_up(model, board, path).network.frontend.attenuation_limit == 7.5
    own = model.changed(attenuation_limit=12.0)
    assert set_up(own, board, path).network.frontend.attenuation_limit == 12.0
    assert set_up(model, board).network.frontend.attenuation_limit is None


@pytest.mark.parametrize("limit", ["-1", "101", "nan", "'six'", "true", "[6]"])
def test_a_limit_that_cannot_be_is_refused_in_one_line(tmp_path, limit):
    path = tmp_path / "fit.toml"
    path.write_text(f"attenuation_limit = {limit}\n" + toml_of(fit(read_audiogram("N2"), attenuation_limit=None)))
    with pytest.raises(InputError, match=r"attenuation_limit.*(is not in 0…100 dB|no finite|not a finite)") as caught:
        limit_of(path)
    assert "\n" not in str(caught.value)


def test_a_tone_is_aided_by_its_gain():
    compressor = fit(read_audiogram("N3")).compressor
    tone = np.sqrt(2) * np.sin(2 * np.pi * 2000 * np.arange(16000) / 16000)
    found = aided(tone, 60.0, 16000, compressor)
    gain = 20 * np.log10(np.std(found[8000:15000]))
    row = compressor.gains[compressor.frequencies.index(2000.0)]
    assert gain == pytest.approx(np.interp(60.0, compressor.levels, row), abs=0.6)
    assert np.argmax(np.correlate(found[8000:8400], tone[8000:8400], "full")) == 399, "not delayed"


@pytest.mark.parametrize(
    "text",
    [
        "250:20,500:25,1000:40",
        "250:20, 500 : 25; 1k:40",
        "250 20 500 25 1000 40",
        "250=20\n500=25\n1000=40\n",
        "250Hz 20 dB HL, 0.5 kHz 25dB, 1kHz 40 dB",
        "250:20 500:25 1000:40",
    ],
)
def test_an_audiogram_may_be_typed_as_people_do(text):
    found = read_audiogram(text)
    assert (found.frequencies, found.levels) == ((250.0, 500.0, 1000.0), (20.0, 25.0, 40.0))


def test_names_of_standard_audiograms_may_be_small():
    assert read_audiogram("n3") == read_audiogram("N3")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("N8", "unknown audiogram 'N8', did you mean N"),
        ("s22", "unknown audiogram 's22', did you mean S2?"),
        ("mild", "unknown audiogram 'mild'; one of NH, N1"),
        ("500:20,250:25", "audiogram: 250 Hz stands after 500 Hz, frequencies ascend"),
        ("500:20,500:25", "audiogram: 500 Hz stands after 500 Hz"),
        ("20:20,500:25", "audiogram: 20 Hz is not in 100…16000 Hz"),
        ("500:20,1000:121", "audiogram: 121 dB HL at 1000 Hz is not in -10…120 dB"),
        ("500:20,1000:-11", "audiogram: -11 dB HL at 1000 Hz"),
        ("500:20", "audiogram of 1 point, not 2…32"),
        ("500:20,", "audiogram: '' is no point FREQUENCY:LEVEL"),
        ("500:20:3,1000:2", "audiogram: '500:20:3' is no point FREQUENCY:LEVEL"),
        ("500:many,1000:2", "audiogram: '500:many' is no point"),
        ("500:nan,1000:2", "audiogram: nan dB HL at 500 Hz"),
    ],
)
def test_an_audiogram_that_cannot_be_is_refused_in_one_line(text, said):
    with pytest.raises(InputError) as caught:
        read_audiogram(text)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[chain]\nhop = 3\n", "chain means nothing in a fitting"),
        ("[fit]\naudiogram = 'N3'\n", "has no [compression]"),
        ("[compression]\nlevels = [1, 2]\n", "compression has no frequencies"),
    ],
)
def test_a_file_that_is_no_fitting_is_refused(tmp_path, text, said):
    path = tmp_path / "fit.toml"
    path.write_text(text)
    with pytest.raises(InputError) as caught:
        compressor_of(path)
    assert said in str(caught.value)


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ({"ratio": 0.5}, "ratio 0.5 is not in 1…10"),
        ({"attack": 0.0}, "attack 0 is not"),
        ({"attenuation_limit": 101.0}, "limit 101 is not"),
    ],
)
def test_a_rule_that_cannot_be_is_refused(keys, said):
    with pytest.raises(InputError, match=said):
        fit(read_audiogram("N3"), **keys)

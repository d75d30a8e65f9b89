# SPDX-License-Identifier: Apache-2.0
"""Makeup gain: what a network takes of speech is given back, no more, and only where it is asked for."""

from dataclasses import replace

import numpy as np
import pytest
import soundfile
from typer.testing import CliRunner

from chains import chain_of, compression
from codesign.base.errors import InputError
from codesign.base.resources import resource
from codesign.cli.app import app
from codesign.compiler.frontend import whole_hops
from codesign.compiler.frontend.compressor import compressor_tables
from codesign.compiler.frontend.makeup import LOSS_FREQUENCIES, made_up_gains, makeup_of
from codesign.compiler.frontend.programs import program_chains
from codesign.compiler.load import load_model
from codesign.compiler.model.chain_file import fit_entries
from codesign.compiler.reference.frontend import analyse, output_of
from codesign.firmware.boards import load_board
from codesign.firmware.settings import set_up
from codesign.hearing.evaluate.systems import model_system
from codesign.hearing.fitting import fit, read_audiogram
from codesign.hearing.fitting.aided import aided, made_up
from codesign.hearing.fitting.fit import loss_of, toml_of
from codesign.hearing.fitting.speech_loss import speech_loss

RATE = 16000
FRAMES = {"window": 128, "n_fft": 128, "hop": 64, "feature": "magnitude"}


def tone(frequency, spl, seconds=1.0):
    size = 32767 * 10 ** ((spl - 120) / 20)
    return np.rint(size * np.sin(2 * np.pi * frequency * np.arange(round(seconds * RATE)) / RATE)).astype(np.int16)


def level_after(chain, pcm, gain):
    """RMS in dB of the end of a signal, of whose every bin the network leaves `gain`."""
    pcm = whole_hops(pcm, chain.hop, chain.latency_samples)
    analysis = analyse(chain, pcm)
    found = output_of(chain, pcm, analysis.spectrum, np.full((len(analysis.spectrum), chain.n_outputs), gain, np.float32))
    return 20 * np.log10(np.std(found[RATE // 2 : RATE - 2000].astype(float)))


@pytest.mark.parametrize("meter", ["before", "after"])
@pytest.mark.parametrize("limit", [{}, {"attenuation_limit": 3.0}])
@pytest.mark.parametrize("frequency", [500.0, 1500.0, 4000.0])
def test_speech_keeps_its_level(meter, limit, frequency):
    """What of speech a network leaves half of is as loud after the makeup as that which it leaves alone."""
    table = fit(read_audiogram("N3")).compressor
    keys = {**FRAMES, **limit, "speech_loss": (20 * np.log10(2),)}
    silent, asked = (replace(table, meter=meter, makeup=makeup) for makeup in (False, True))
    pcm = tone(frequency, 60.0)
    untouched = level_after(chain_of(**keys, compressor=silent), pcm, 1.0)
    assert level_after(chain_of(**keys, compressor=asked), pcm, 0.5) == pytest.approx(untouched, abs=0.1)
    assert level_after(chain_of(**keys, compressor=silent), pcm, 0.5) < untouched - 0.5


def test_what_is_taken_under_a_limit_and_a_strength():
    chain = chain_of(**FRAMES, speech_loss=(6.0,))
    assert makeup_of(chain) == pytest.approx([6.0] * len(LOSS_FREQUENCIES))
    left = 10 ** (-3 / 20) + (1 - 10 ** (-3 / 20)) * 10 ** (-6 / 20)
    assert makeup_of(replace(chain, attenuation_limit=3.0))[0] == pytest.approx(-20 * np.log10(left))
    assert makeup_of(replace(chain, strength=50))[0] == pytest.approx(-20 * np.log10(0.5 + 0.5 * 10 ** (-6 / 20)))
    assert makeup_of(replace(chain, strength=0)) == (0.0,) * len(LOSS_FREQUENCIES)
    assert makeup_of(replace(chain, speech_loss=())) == ()


def test_bits_are_what_they_were_unless_it_is_asked_for():
    plain = chain_of(**FRAMES, compressor=compression())
    told = chain_of(**FRAMES, compressor=compression(), speech_loss=(3.0,))
    asked = chain_of(**FRAMES, compressor=compression(makeup=True))
    for chain in (told, asked):
        assert np.array_equal(compressor_tables(chain).gains, compressor_tables(plain).gains)
    both = compressor_tables(replace(told, compressor=asked.compressor)).gains - compressor_tables(plain).gains
    assert both == pytest.approx(3.0 / (20 * np.log10(2)), abs=1e-6)


def test_bands_between_the_frequencies_take_their_share():
    loss = tuple(np.arange(9.0))
    rows = made_up_gains(chain_of(**FRAMES, compressor=compression()).compressor, loss)
    up = np.interp(np.log([500, 1500, 4000]), np.log(LOSS_FREQUENCIES), loss)
    assert rows - np.array(compression()["gains"]) == pytest.approx(np.tile(up[:, None], 4))


def test_a_program_that_leaves_the_network_out_gives_nothing_back():
    programs = [{"name": "music", "strength": 0}]
    chain = chain_of(**FRAMES, strength=100, compressor=compression(makeup=True), speech_loss=(4.0,), programs=programs)
    plain = compressor_tables(replace(chain, compressor=replace(chain.compressor, makeup=False))).gains
    own, music = (compressor_tables(each).gains for each in program_chains(chain))
    assert (own > plain).all()
    assert np.array_equal(music, plain)


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ({"speech_loss": [1.0, 2.0]}, "speech_loss has 2 values: give one, or 9 for 250…6000 Hz"),
        ({"speech_loss": [-1.0]}, "speech_loss holds a value that is not in 0…20 dB"),
        ({"speech_loss": [21.0]}, "speech_loss holds a value"),
        ({"speech_loss": "loud"}, "speech_loss is 'loud', no list of numbers"),
        ({"compressor": compression(makeup="yes")}, "makeup is neither true nor false"),
    ],
)
def test_what_cannot_be_is_refused(keys, said):
    with pytest.raises(InputError, match=said):
        chain_of(**FRAMES, **keys)


def test_the_loss_of_speech_is_measured_in_its_bands():
    speech = np.random.default_rng(3).normal(0, 2000, (4, RATE))
    noise = np.random.default_rng(4).normal(0, 2000, speech.shape)
    spectrum = np.fft.rfft(speech)
    spectrum[:, np.fft.rfftfreq(RATE, 1 / RATE) > 2500] *= 0.25
    less = np.fft.irfft(0.5 * spectrum)
    signals = zip(*(np.rint(each).astype(np.int16) for each in (speech + noise, less + 0.1 * noise, speech)), strict=True)
    found = speech_loss(signals, RATE)
    assert found[:5] == pytest.approx([6.02] * 5, abs=0.3)
    assert found[7:] == pytest.approx([18.06] * 2, abs=1.5)
    with pytest.raises(InputError, match="nothing of the clean ones"):
        speech_loss([(np.zeros(400, np.int16),) * 3], RATE)


def test_a_band_above_half_of_the_rate_takes_the_one_below_it():
    speech = np.rint(np.random.default_rng(5).normal(0, 2000, 8000)).astype(np.int16)
    found = speech_loss([(speech, speech // 2, speech)], 8000)
    assert found[-1] == found[-2] == pytest.approx(6.02, abs=0.1)


@pytest.mark.parametrize("name", ["low-latency", "low-delay", "standard", "standard-skip", "pruned", "m55"])
def test_every_shipped_network_says_what_it_takes(name):
    chain = load_model(resource("models", name, f"{name}.onnx")).network.frontend
    makeup = makeup_of(replace(chain, attenuation_limit=3.0))
    assert 0.3 < min(makeup) < max(makeup) < 2.5


def test_a_fitting_gives_back_what_the_model_says_or_what_it_says_itself(tmp_path):
    path, board = tmp_path / "fit.toml", load_board("nrf5340dk")
    path.write_text(toml_of(fit(read_audiogram("N2"))))
    model = load_model(resource("models", "low-latency", "low-latency.onnx"))
    own = model.network.frontend.speech_loss
    chain = set_up(model, board, path).network.frontend
    assert chain.compressor.makeup
    assert chain.speech_loss == own
    assert loss_of(path) == ()
    path.write_text(toml_of(replace(fit(read_audiogram("N2")), speech_loss=(1.0,) * 9)))
    assert set_up(model, board, path).network.frontend.speech_loss == loss_of(path) == (1.0,) * 9
    plain = fit(read_audiogram("N2"), makeup=False)
    path.write_text(toml_of(plain))
    assert fit_entries(path)["compressor"] == plain.compressor


def test_figures_are_heard_with_the_makeup_of_their_network():
    compressor = fit(read_audiogram("N3")).compressor
    noise = np.random.default_rng(6).normal(0, 0.5, RATE)
    heard = aided(noise, 65.0, RATE, made_up(compressor, ()))
    again = aided(0.8 * noise, 65.0, RATE, made_up(compressor, (-20 * np.log10(0.8),) * 9))
    assert np.std(again) == pytest.approx(np.std(heard), rel=0.01)
    assert made_up(replace(compressor, makeup=False), (3.0,) * 9).gains == compressor.gains


def test_a_model_is_measured_on_pairs_at_the_command_line(tmp_path):
    model, rng = resource("models", "low-latency", "low-latency.onnx"), np.random.default_rng(8)
    clean = np.convolve(rng.normal(0, 0.05, RATE), np.ones(8) / 8, "same") * (1 + np.sin(np.arange(RATE) / 800))
    for name, signal in {"clean": clean, "noisy": clean + rng.normal(0, 0.005, RATE)}.items():
        soundfile.write(tmp_path / f"a_{name}.wav", signal, RATE)
    path = tmp_path / "fit.toml"
    run = CliRunner().invoke(app, ["fit", "--audiogram", "N3", "-m", str(model), "--pairs", str(tmp_path), "-o", str(path)])
    assert run.exit_code == 0, run.output
    assert len(loss_of(path)) == 9
    system = model_system("m", model, tmp_path, None, None, 3.0, loss_of(path))
    expected = makeup_of(chain_of(**FRAMES, attenuation_limit=3.0, speech_loss=loss_of(path)))
    assert system.makeup == pytest.approx(expected)
    refused = CliRunner().invoke(app, ["fit", "--audiogram", "N3", "-m", str(model)])
    assert isinstance(refused.exception, InputError)

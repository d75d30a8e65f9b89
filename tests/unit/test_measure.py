# SPDX-License-Identifier: Apache-2.0
"""Figures of a hearing aid: each is found again where it was put in."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy.signal import lfilter

import codesign
from codesign.base.errors import InputError
from codesign.compiler.frontend.compressor import Compressor
from codesign.compiler.frontend.programs import Program
from codesign.compiler.load import load_model
from codesign.firmware.boards import load_board
from codesign.hearing.measure import figures as f
from codesign.hearing.measure import measure
from codesign.hearing.measure.signals import GAIN_SPL, frequencies_at, played
from codesign.hearing.measure.write import render_json, render_page, write_figures
from codesign.proof.aid import rows_of

RATE, SPL = 16000, 120.0
SCALE = f.Scale(RATE, SPL)
PCM, PARTS = played(RATE, SPL)
MODEL = Path(__file__).parents[2] / "models" / "low-latency" / "low-latency.onnx"


def rounded(signal):
    return np.rint(signal).clip(-32768, 32767).astype(np.int16)


def test_tones_are_at_their_levels_in_their_places():
    gains = f.tone_levels(PCM, PARTS, "gain", SCALE)
    assert [point.at for point in gains] == list(frequencies_at(RATE))
    assert [point.value for point in gains] == pytest.approx([GAIN_SPL] * len(gains), abs=0.1)
    assert frequencies_at(RATE)[-1] == 6300
    assert frequencies_at(48000)[-1] == 20000


def test_gain_is_that_of_a_filter():
    taps = [0.5, 0.5]
    found = f.tone_levels(rounded(lfilter(taps, [1.0], 4.0 * PCM)), PARTS, "gain", SCALE)
    expected = [20 * np.log10(4 * np.cos(np.pi * point.at / RATE)) for point in found]
    assert [point.value - GAIN_SPL for point in found] == pytest.approx(expected, abs=0.1)


def test_distortion_is_that_of_a_clipped_tone():
    """A tone cut at half of its peak: its Fourier series, by numbers, up to half of the rate."""
    loud = rounded(PCM * 30.0)
    clipped = np.zeros_like(loud)
    for part in PARTS:
        inside = slice(part.start, part.start + part.length)
        half = np.abs(loud[inside]).max() // 2
        clipped[inside] = loud[inside].clip(-half, half)
    found = f.distortion_of(clipped, PARTS, SCALE)
    turn = np.sin(2 * np.pi * np.arange(3200) / 3200).clip(-0.5, 0.5)
    series = np.abs(np.fft.rfft(turn))
    for each in found:
        count = int(RATE / 2 / each.frequency * 0.999)
        assert each.percent == pytest.approx(100 * np.linalg.norm(series[2 : count + 1]) / series[1], rel=0.05)
    assert max(each.percent for each in f.distortion_of(rounded(PCM * 30.0), PARTS, SCALE)) < 0.5


def test_input_noise_is_the_output_less_the_gain():
    noise = np.random.default_rng(1).normal(0, 40, PCM.size)
    gain = f.tone_levels(rounded(PCM * 10.0), PARTS, "gain", SCALE)
    gain = tuple(replace(point, value=point.value - GAIN_SPL) for point in gain)
    found = f.input_noise_of(rounded(PCM * 10.0 + noise), PARTS, gain, SCALE)
    assert found == pytest.approx(SPL + 20 * np.log10(40 * np.sqrt(2) / 32767) - 20, abs=0.3)
    assert f.input_noise_of(PCM, PARTS, gain, SCALE) is None


@pytest.mark.parametrize(("attack", "release"), [(20.0, 200.0), (60.0, 80.0)])
def test_attack_and_release_are_when_the_level_is_within_2_db(attack, release):
    """A gain that goes exponentially from 0 to −12.5 dB and back is within 2 dB after ln(12.5 / 2) time constants."""
    steps = [part for part in PARTS if part.use == "step"]
    gain, decibels = np.zeros(PCM.size), 0.0
    for i in range(steps[0].start, steps[-1].start + steps[-1].length):
        target = -12.5 if steps[1].start <= i < steps[2].start else 0.0
        decibels += (target - decibels) * -np.expm1(-1000.0 / RATE / (attack if target < decibels else release))
        gain[i] = decibels
    found = f.step_times(rounded(30.0 * PCM * 10 ** (gain / 20)), PARTS, SCALE)
    assert found[0] == pytest.approx(attack * np.log(6.25), rel=0.05)
    assert found[1] == pytest.approx(release * np.log(6.25), rel=0.05)
    assert found[2][0].at == 0


def test_silence_is_a_number():
    """A chain may let nothing through: levels stay finite, what cannot be told is None."""
    silent = np.zeros_like(PCM)
    gain = f.tone_levels(silent, PARTS, "gain", SCALE)
    assert {point.value for point in gain} == {f.SILENT_SPL}
    assert f.input_noise_of(silent, PARTS, gain, SCALE) is None
    assert [each.percent for each in f.distortion_of(silent, PARTS, SCALE)] == [None] * 3
    assert f.step_times(silent, PARTS, SCALE)[:2] == (0.0, 0.0)


def test_what_never_is_steady_has_no_time():
    wobble = 1 + 0.9 * np.sin(2 * np.pi * 3 * np.arange(PCM.size) / RATE)
    assert f.step_times(rounded(30.0 * PCM * wobble), PARTS, SCALE)[:2] == (None, None)


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    """The shipped fast network with a compressor that halves the range above 50 dB SPL, and a limit."""
    levels = (20.0, 50.0, 110.0)
    compressor = Compressor((500.0, 2000.0), levels, ((25.0, 25.0, -5.0),) * 2, 10.0, 100.0)
    model = load_model(MODEL).changed(
        compressor=compressor, limiter_spl=108.0, strength=100, programs=(Program("other", strength=100),)
    )
    return measure(model, load_board("nrf5340dk"), tmp_path_factory.mktemp("m") / "host", "host")


def test_an_image_is_measured(found):
    at = {point.at: point.value for point in found.gain}
    assert [at[500.0], at[2000.0]] == pytest.approx([20.0, 20.0], abs=0.6)
    assert 20 < found.average_gain < 23, "a tone between two bands is fainter in each, and has more gain"
    assert found.highest_output.value == pytest.approx(95, abs=2.5)
    assert found.strength == 0
    # 25 dB at a ratio of 2 are 12.5 dB of gain: within 2 dB after 1.83 time constants, and the window of 8 ms.
    assert found.attack_ms == pytest.approx(18.3, abs=8)
    assert found.release_ms == pytest.approx(183, abs=20)
    assert found.delay.measured
    assert found.delay.total_ms == 12.0
    assert found.input_noise is None


def test_an_image_is_measured_as_it_is_from_python(tmp_path):
    """What was built is what is measured: a chain that mutes the network's input keeps its strength."""
    limited = tmp_path / "limited.toml"
    limited.write_text("[chain]\nattenuation_limit = 0\nlimiter = -30\n")
    image = codesign.build(MODEL, tmp_path / "image", runtime="host", chain=limited)
    figures = codesign.measure(image, on="host")
    assert max(point.value for point in figures.output) == pytest.approx(90.0, abs=0.1)
    assert figures.strength is None or figures.strength == 100
    assert figures.gain[4].value == pytest.approx(0.0, abs=0.1)  # 0 dB of attenuation: the input, whatever the network says
    for wrong in ({"strength": 0}, {"chain": limited}, {"program": 0}):
        with pytest.raises(InputError, match="an image is what it is"):
            codesign.measure(image, on="host", **wrong)
    with pytest.raises(InputError, match="strength 101 is not in"):
        codesign.measure(MODEL, on="host", strength=101)


def test_pages_and_json_have_what_was_measured(found, tmp_path):
    page = render_page(found)
    assert page.count("<svg") == 3
    assert all(value.split(" ")[0] in page for _, value in rows_of(found))
    assert "IEC 60118-0" in page
    assert json.loads(render_json(found))["figures"]["delay"]["measured"] is True
    write_figures(tmp_path / "m.html", found)
    assert (tmp_path / "m.html").read_text(encoding="utf-8") == page
    with pytest.raises(InputError, match=r"cannot write m\.pdf"):
        write_figures(Path("m.pdf"), found)

# SPDX-License-Identifier: Apache-2.0
"""Compression in bands: gains are the table's at the levels in the bands, and come and go in the times that are set."""

from dataclasses import replace

import numpy as np
import pytest

from chains import CHAINS, chain_of, compression, small_network
from codesign.base.errors import InputError
from codesign.compiler.frontend import whole_hops
from codesign.compiler.frontend.compressor import compressor_tables
from codesign.compiler.frontend.float_functions import exp2_of, log2_of
from codesign.compiler.frontend.read import Entry, chain_properties, read_chain_keys
from codesign.compiler.plan import plan_memory
from codesign.compiler.reference.compression import band_gains
from codesign.compiler.reference.frontend import analyse, output_of

RATE = 16000
FREQUENCIES, LEVELS = (500.0, 1500.0, 4000.0), (20.0, 50.0, 80.0, 110.0)
TABLE = ((20.0, 20.0, 8.0, 0.0), (30.0, 24.0, 12.0, 0.0), (10.0, 10.0, 10.0, 10.0))
KEYS = {"frequencies": list(FREQUENCIES), "levels": list(LEVELS), "gains": [list(row) for row in TABLE]}
FRAMES = {"window": 128, "n_fft": 128, "hop": 64, "feature": "magnitude"}


def aid(path="frames", attack=5.0, release=50.0, meter="before", **keys):
    """A hearing aid whose network passes everything."""
    taps = {"path": "filter", "taps": 64} if path == "filter" else {}
    return chain_of(**FRAMES, **taps, compressor={**KEYS, "attack": attack, "release": release, "meter": meter}, **keys)


def through(chain, pcm):
    pcm = whole_hops(np.rint(pcm).clip(-32768, 32767).astype(np.int16), chain.hop, chain.latency_samples)
    analysis = analyse(chain, pcm)
    found = output_of(chain, pcm, analysis.spectrum, np.ones((len(analysis.spectrum), chain.n_outputs), np.float32))
    return found.astype(float)


def tone(frequency, levels_spl, seconds):
    """A sine whose level steps, in dB SPL where full scale is 120."""
    sizes = np.concatenate(
        [np.full(round(s * RATE), 32767 * 10 ** ((x - 120) / 20)) for x, s in zip(levels_spl, seconds, strict=True)]
    )
    return sizes * np.sin(2 * np.pi * frequency * np.arange(sizes.size) / RATE)


def envelope_db(pcm, frequency):
    """Level of a tone in dB SPL, in sliding windows of whole periods."""
    length = round(8 * RATE / frequency)
    base = np.exp(-2j * np.pi * frequency * np.arange(pcm.size) / RATE)
    sums = np.convolve(pcm * base, np.ones(length) / length, "same")
    return 120 + 20 * np.log10(np.maximum(2 * np.abs(sums), 1e-3) / 32767)


def test_logarithm_and_power_of_two_are_close_to_the_exact_ones():
    x = np.geomspace(2.0**-40, 2.0**20, 20001).astype(np.float32)
    assert np.abs(log2_of(x) - np.log2(x.astype(float))).max() < 4e-6
    y = np.linspace(-30, 30, 20001).astype(np.float32)
    assert np.abs(exp2_of(y) / np.exp2(y.astype(float)) - 1).max() < 2e-7


@pytest.mark.parametrize("path", ["frames", "filter"])
@pytest.mark.parametrize("frequency", [500.0, 1500.0, 4000.0])
@pytest.mark.parametrize("level", [42.0, 50.0, 65.0, 95.0])
def test_a_tone_has_the_gain_of_its_band_at_its_level(path, frequency, level):
    chain = aid(path)
    found = envelope_db(through(chain, tone(frequency, [level], [1.0])), frequency)[RATE // 2 : -4000].mean()
    expected = np.interp(level, LEVELS, TABLE[FREQUENCIES.index(frequency)])
    # The filter's 64 taps smooth over frequency what the bands say, and 16 bits are coarse at 42 dB SPL.
    assert found - level == pytest.approx(expected, abs=1.6 if path == "filter" else 0.6)


@pytest.mark.parametrize("path", ["frames", "filter"])
@pytest.mark.parametrize(("attack", "release"), [(20.0, 200.0), (60.0, 60.0)])
def test_attack_and_release_are_what_was_set(path, attack, release):
    """55 to 80 to 55 dB SPL at 1.6 kHz, as IEC 60118-2 has it: the way to the new gain is an exponential of these times."""
    chain = aid(path, attack, release)
    levels, seconds = [55.0, 80.0, 55.0], [0.5, 0.7, 1.2]
    pcm = tone(1600.0, levels, seconds)
    gain = envelope_db(through(chain, pcm)[chain.latency_samples :][: pcm.size], 1600.0) - envelope_db(pcm, 1600.0)
    for start, end, expected in ((0.5, 1.2, attack), (1.2, 2.4, release)):
        settled = gain[round((end - 0.15) * RATE) : round((end - 0.1) * RATE)].mean()
        after = round((start + 0.02) * RATE)
        way = np.abs(gain[after : round((start + 0.02) * RATE) + round(2.0 * expected * RATE / 1000)] - settled)
        slope = np.polyfit(np.arange(way.size) * 1000 / RATE, np.log(way), 1)[0]
        assert -1 / slope == pytest.approx(expected, rel=0.05)


def test_silence_takes_the_first_level_and_the_loudest_the_last():
    chain = aid(attack=0.5, release=0.5)
    quiet = band_gains(chain, analyse(chain, np.zeros(64 * 20, np.int16)).spectrum)
    assert quiet[-1] == pytest.approx([row[0] for row in TABLE], abs=1e-4)
    loud = np.where(np.arange(64 * 50) // 16 % 2, 32767, -32768).astype(np.int16)
    assert band_gains(chain, analyse(chain, loud).spectrum)[-1, 0] == pytest.approx(0.0, abs=1e-4)


def test_the_receivers_level_moves_gains_and_the_microphones_levels():
    chain = aid()
    base, louder = compressor_tables(chain), compressor_tables(replace(chain, output_spl=110.0))
    assert (louder.gains - base.gains) * 20 * np.log10(2) == pytest.approx(np.full((3, 4), 10.0), abs=1e-4)
    nearer = compressor_tables(replace(chain, input_spl=100.0, output_spl=100.0))
    assert (nearer.offset - base.offset) * 10 * np.log10(2) == pytest.approx(-20.0)


def test_before_the_network_its_gains_do_not_change_the_level():
    """A network that takes 20 dB away leaves the compressor's gain alone, or is answered by it."""
    pcm = tone(1500.0, [80.0], [0.5])
    whole = whole_hops(np.rint(pcm).astype(np.int16), 64)
    found = {}
    for meter in ("before", "after"):
        chain = aid(meter=meter)
        analysis = analyse(chain, whole)
        outputs = np.full((len(analysis.spectrum), chain.n_outputs), 0.1, np.float32)
        found[meter] = envelope_db(output_of(chain, whole, analysis.spectrum, outputs).astype(float), 1500.0)[4000]
    assert found["before"] == pytest.approx(80 - 20 + 12, abs=0.5)
    assert found["after"] == pytest.approx(80 - 20 + np.interp(60, LEVELS, TABLE[1]), abs=0.5)


def test_metadata_gives_back_what_it_was_given():
    for name in ("compression in bands", "compression in the filter, after it, with programs"):
        chain = CHAINS[name]
        entries = {key: Entry(value, "m.onnx: metadata") for key, value in chain_properties(chain).items()}
        assert read_chain_keys(entries, "m.onnx", lambda name: None).chain == chain


def test_switched_off_it_is_not_there():
    plan = plan_memory(small_network(CHAINS["complex mask"]))
    assert not {"compressor", "rms", "program"} & {key.name for key in plan.buffers}


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ({"frequencies": [1500, 500, 4000]}, "compression frequency 500 Hz stands after 1500 Hz: they ascend"),
        ({"frequencies": [500, 500, 4000]}, "compression frequency 500 Hz stands after 500 Hz: they ascend, each once"),
        ({"frequencies": [500, 1500, 9000]}, "compression frequencies are not within 0…8000 Hz"),
        (
            {"frequencies": [500, 700, 4000]},
            "compression frequency 700 Hz is less than a bin from 500 Hz: bins are 250 Hz apart",
        ),
        ({"levels": [50, 50, 60, 70]}, "compression level 50 dB stands after 50: they ascend by 0.5 dB or more"),
        ({"levels": [50]}, "compression has 1 levels, not 2…32"),
        ({"gains": [[0, 0, 0, 0]]}, "compression gains are 1 × 4, not 3 frequencies × 4 levels"),
        ({"gains": [[0, 0, 0, 90]] * 3}, "compression has a gain of 90 dB, not in -60…80 dB"),
        ({"attack": 0}, "compression attack 0 is not in 0.5…10000 ms"),
        ({"meter": "beside"}, "compression meter 'beside' is not one of before, after"),
        ({"ratio": 2}, "compression: ratio means nothing"),
        ({"realease": 2}, "compression: realease means nothing, did you mean release?"),
        ({"levels": "loud"}, "compression: levels holds no list of numbers"),
        ({"release": True}, "compression: release holds True, no number"),
        ({"meter": 3}, "compression: meter is no text"),
    ],
)
def test_a_table_that_cannot_be_is_refused(table, said):
    with pytest.raises(InputError) as caught:
        chain_of(window=64, n_fft=64, hop=32, feature="magnitude", compressor={**compression(), **table})
    assert said in str(caught.value)


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ({"compressor": "{"}, "test: compression is no table"),
        ({"compressor": {"levels": [1, 2]}}, "compression has no frequencies"),
        ({"compressor": compression(), "output": "frame"}, "compression needs a spectrum, and output 'frame' has none"),
        ({"input_spl": 10}, "input_spl 10.0 is not in 60…180 dB SPL"),
        ({"limiter": -3, "limiter_spl": 100}, "limiter in dBFS and limiter_spl in dB SPL: give one of them"),
        ({"limiter_spl": 130}, "limiter_spl 130 dB SPL is 10 dBFS and is not in -40…0 dBFS"),
        ({"limiter_rms_attack": 0}, "limiter_rms_attack 0.0 is not in 0.1…2000 ms"),
    ],
)
def test_a_chain_that_cannot_be_is_refused(keys, said):
    with pytest.raises(InputError) as caught:
        chain_of(**{"window": 64, "n_fft": 64, "hop": 32, "feature": "magnitude"} | keys)
    assert said in str(caught.value)

# SPDX-License-Identifier: Apache-2.0
"""The beamformer: its beam against theory, by plane waves through the integers; what it refuses."""

from dataclasses import replace

import numpy as np
import pytest

from codesign.base.errors import InputError
from codesign.compiler.frontend import Chain
from codesign.compiler.frontend.beamformer import BEAM_DELAY, SPEED, Beamformer, beam_tables
from codesign.compiler.reference.capture import beam

ANGLES = (0.0, 45.0, 90.0, 120.0, 150.0, 180.0)


def heard(chain: Chain, frequency: float, angle: float, size: float = 12000.0) -> complex:
    """What the beam makes of a plane wave, over what the first microphone has of it, BEAM_DELAY later."""
    rate, beamformer = chain.ends.rate, chain.beamformer
    later = beamformer.spacing / 1000 / SPEED * np.cos(np.radians(angle))
    time = np.arange(rate // 2) / rate
    waves = [np.cos(2 * np.pi * frequency * (time - delay)) * size for delay in (0.0, later)]
    out = beam(beam_tables(chain), np.rint(np.stack(waves, axis=-1)).astype(np.int16))
    turned = np.exp(-2j * np.pi * frequency * (time - BEAM_DELAY / rate))
    settled = slice(rate // 8, None)
    return complex(2 * np.mean(out[settled] * turned[settled]) / size)


def decibels(value: complex) -> float:
    return float(20 * np.log10(max(abs(value), 1e-9)))


@pytest.mark.parametrize("ratio", [1, 3])
@pytest.mark.parametrize("null", [180.0, 125.3, 109.5, 90.0])
@pytest.mark.parametrize("frequency", [500.0, 2000.0, 6000.0])
def test_the_differential_beam_is_that_of_theory(null, frequency, ratio):
    """sin(ω(d·cos θ/c + τ)/2) over what it is at 0° (Elko, Superdirectional microphone arrays, 2000), τ = −d·cos(null)/c."""
    chain = Chain(resample=ratio, beamformer=Beamformer("differential", spacing=10.0, null=null))
    travel = 0.010 / SPEED
    front = heard(chain, frequency, 0.0)
    assert abs(decibels(front)) < 1.0  # flat, and a high pass of first order at 200 Hz below
    for angle in ANGLES:
        apart = travel * (np.cos(np.radians(angle)) - np.cos(np.radians(null)))
        ideal = np.sin(np.pi * frequency * apart) / np.sin(np.pi * frequency * travel * (1 - np.cos(np.radians(null))))
        found = decibels(heard(chain, frequency, angle) / front)
        if abs(ideal) > 0.05:
            assert found == pytest.approx(decibels(ideal), abs=0.3)
        else:
            assert found < -26
    assert decibels(heard(chain, frequency, null) / front) < -40


@pytest.mark.parametrize("direction", [0.0, 60.0, 90.0])
def test_delay_and_sum_adds_up_where_it_looks(direction):
    chain = Chain(beamformer=Beamformer("delay_and_sum", spacing=20.0, direction=direction))
    for frequency in (300.0, 2000.0, 6000.0):
        for angle in (0.0, 60.0, 90.0, 180.0):
            apart = 0.020 / SPEED * (np.cos(np.radians(angle)) - np.cos(np.radians(direction)))
            ideal = np.cos(np.pi * frequency * apart)
            found = heard(chain, frequency, angle)
            assert abs(found) == pytest.approx(abs(ideal), abs=0.01)
        on_beam = heard(chain, frequency, direction)
        assert on_beam == pytest.approx(1.0, abs=0.01)  # and exactly as late as it says


def test_no_sum_leaves_its_bits():
    """Inputs of full scale with the signs of the taps: the largest sum there is."""
    for kind, spacing, ratio in (("differential", 2.0, 3), ("differential", 20.0, 1), ("delay_and_sum", 100.0, 1)):
        tables = beam_tables(Chain(resample=ratio, beamformer=Beamformer(kind, spacing)))
        assert int(np.abs(tables.taps.astype(np.int64)).sum()) * 32768 < 2**31
        assert kind != "differential" or tables.taps.astype(np.int64).sum() == 0


@pytest.mark.parametrize(
    ("beamformer", "message"),
    [
        (Beamformer("fixed", 10.0), "kind 'fixed' is not one of delay_and_sum, differential"),
        (Beamformer("differential", 0.5), "spacing 0.5 is not in 2…100 mm"),
        (Beamformer("differential", 30.0), "spacing 30 mm is more than the 20.4 mm"),
        (Beamformer("differential", 10.0, null=60.0), "null 60 is not in 90…180°"),
        (Beamformer("differential", 10.0, direction=30.0), "direction is of delay_and_sum"),
        (Beamformer("differential", 10.0, low=5.0), "low 5 is not in 20…1000 Hz"),
        (Beamformer("delay_and_sum", 10.0, direction=270.0), "direction 270 is not in 0…180°"),
    ],
)
def test_what_it_refuses(beamformer, message):
    with pytest.raises(InputError, match="front end: beamformer") as found:
        replace(Chain(), beamformer=beamformer)
    assert message in found.value.message


@pytest.mark.parametrize(("rate", "f_max", "null"), [(4000, 2000.0, 90.0), (4000, 2000.0, 180.0), (192000, 8000.0, 90.0)])
def test_the_smallest_filters_have_the_bits_that_the_runtime_counts_on(rate, f_max, null):
    """Its sum over time has 32 bits: half of a sum of products and the level, 2^30 each at most."""
    beamformer = Beamformer("differential", spacing=2.0, null=null)
    assert beam_tables(Chain(sample_rate=rate, f_max=f_max, beamformer=beamformer)).bits >= 9

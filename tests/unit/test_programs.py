# SPDX-License-Identifier: Apache-2.0
"""Programs: what they set is what is heard, in C as in the reference, and no switch clicks or breaks a limit."""

import ctypes
from dataclasses import replace

import numpy as np
import pytest

from chains import CHAINS, PROGRAMS, chain_of, compression, small_network
from codesign.base.errors import InputError
from codesign.compiler.frontend.output_stage import limiter_of, rms_limiter_of
from codesign.compiler.frontend.programs import program_chains
from codesign.compiler.reference.frontend import analyse, output_of
from codesign.compiler.reference.output_stage import rms_limited
from codesign.firmware.machines import MACHINES
from codesign.firmware.machines.host import HostEnhancer
from codesign.firmware.toolchain import build_host
from codesign.proof.equality import run_reference

RNG = np.random.default_rng(11)
NAMES = ["compression in the filter, after it, with programs", "programs without compression"]
FRAMES = chain_of(
    **{"window": 64, "n_fft": 64, "hop": 32, "feature": "magnitude", "strength": 70, "limiter": -6, "limiter_rms": -18},
    **{"compressor": compression(), "programs": PROGRAMS},
)


@pytest.fixture(scope="module")
def images(tmp_path_factory):
    chains = [*(CHAINS[name] for name in NAMES), FRAMES]
    return [build_host(small_network(c), tmp_path_factory.mktemp("p") / "host") for c in chains]


def signal(chain, hops):
    n = hops * chain.hop
    return np.rint(RNG.normal(0, 1, n) * np.geomspace(20000, 200, n)).clip(-32768, 32767).astype(np.int16)


@pytest.mark.parametrize("number", [0, 1, 2])
def test_switches_at_run_time_are_those_of_the_reference(images, number):
    network, enhancer = images[number].network, HostEnhancer(images[number])
    chain = network.frontend
    pcm, switches = signal(chain, 120), {10: 2, 13: 0, 50: 1, 90: 0}
    played = []
    for hop, block in enumerate(pcm.reshape(-1, chain.hop)):
        if hop in switches:
            enhancer.set_program(switches[hop])
        played.append(enhancer.process(block))
    found = np.concatenate(played)
    host = MACHINES["host"].run(images[number], pcm)
    reference = run_reference(network, pcm)
    assert np.array_equal(reference.pcm, host.pcm)
    scale = network.values[network.output].scale
    outputs = reference.mask.astype(np.float32) * np.float32(scale)
    analysis = analyse(chain, pcm)
    assert np.array_equal(found, output_of(chain, pcm, analysis.spectrum, outputs, switches))
    assert not np.array_equal(found, host.pcm), "a switch is heard"
    enhancer.reset()
    assert np.array_equal(enhancer.process(pcm), host.pcm), "a reset brings the first program back"


def test_a_switch_has_no_click(images):
    """A tone through programs 20 dB apart: from sample to sample it changes by little more than the louder one does itself."""
    chain = chain_of(
        **{"window": 128, "n_fft": 128, "hop": 64, "feature": "magnitude"},
        compressor=compression(levels=[0, 40, 80, 120], gains=[[0, 0, 0, 0]] * 3),
        programs=[{"name": "loud", "gains": [[20, 20, 20, 20]] * 3}],
    )
    for path in ({}, {"path": "filter", "taps": 32}):
        with_path = replace(chain, **path)
        pcm = np.rint(1500 * np.sin(2 * np.pi * 250 * np.arange(64 * 200) / 16000)).astype(np.int16)
        spectrum, ones = _passing(with_path, pcm)
        found = output_of(with_path, pcm, spectrum, ones, {60: 1, 130: 0}).astype(float)
        louder = output_of(replace(with_path, program=1), pcm, spectrum, ones).astype(float)
        largest = np.abs(np.diff(louder[2000:])).max()
        # 20 dB in 50 ms are a factor of 1.0029 a sample: of a sample of 15000 that is 43.
        assert np.abs(np.diff(found[2000:])).max() <= 1.05 * largest + 43
        assert np.abs(found[95 * 64 : 120 * 64]).max() == pytest.approx(15000, rel=0.05)
        assert np.abs(found[170 * 64 :]).max() == pytest.approx(1500, rel=0.05)


def _passing(chain, pcm):
    spectrum = analyse(chain, pcm).spectrum
    return spectrum, np.ones((len(spectrum), chain.n_outputs), np.float32)


def test_no_sample_is_above_the_limit_whatever_program_is_chosen(images):
    """Extremes with switches all the time: 50 ms after one the limit is that of the program, before it the higher one."""
    image = images[2]
    enhancer, chain = HostEnhancer(image), image.network.frontend
    levels = [limiter_of(each).level for each in program_chains(chain)]
    settled, size = round(0.05 * 16000 / chain.hop) + 1, 2 * 16000 // chain.hop
    square = np.where(np.arange(size * chain.hop) // 40 % 2, 32767, -32768).astype(np.int16)
    noise = RNG.choice([-32768, 32767, 0], square.size).astype(np.int16)
    before = chain.program
    for number in range(75):  # 10 minutes, four times 2 s each
        for pcm in (square, noise, np.roll(square, 7), noise[::-1]):
            wanted = (before + 1 + number % 2) % 3
            enhancer.set_program(wanted)
            sizes = np.abs(enhancer.process(pcm).astype(int)).reshape(-1, chain.hop).max(axis=1)
            assert sizes[:settled].max() <= max(levels[before], levels[wanted])
            assert sizes[settled:].max() <= levels[wanted]
            before = wanted


def test_the_rms_limiter_in_c_is_the_reference(images):
    chain = replace(FRAMES, limiter_rms=-25.0, limiter_rms_attack=3.0)
    limiter = rms_limiter_of(chain)
    pcm = np.concatenate([RNG.integers(-32768, 32768, 3000), RNG.normal(0, 300, 9000), [-32768] * 99]).astype(np.int16)
    function = ctypes.CDLL(str(images[0].path)).cs_limit_rms
    numbers = np.array([limiter.level, limiter.attack, limiter.release], np.uint32)  # uint16 and its step
    state, y = np.zeros(2, np.uint32), pcm.copy()
    for part in np.split(y, [5, 77, 9000]):
        function(*(ctypes.c_void_p(a.ctypes.data) for a in (numbers, state, part)), part.size)
    assert np.array_equal(y, rms_limited(pcm, limiter))


@pytest.mark.parametrize(("attack", "release"), [(10.0, 100.0), (50.0, 50.0), (5.0, 400.0)])
def test_the_rms_limiter_comes_and_goes_as_it_was_set(attack, release):
    """A step of 25 dB: the mean square goes 1 − 1/e of its way in the attack time, and is held and let go by 1/e a release."""
    chain = replace(FRAMES, limiter_rms=-30.0, limiter_rms_attack=attack, limiter_rms_release=release)
    limiter, rate = rms_limiter_of(chain), 16000
    low, high = limiter.level * 10 ** (-5 / 20), limiter.level * 10
    sizes = np.repeat([low, high, low], [rate // 2, rate, 3 * rate])
    pcm = np.where(np.arange(sizes.size) % 2, sizes, -sizes).astype(np.int16)  # its square is its mean square
    y = np.abs(rms_limited(pcm, limiter).astype(float))
    gains = y / np.abs(pcm)
    assert y[rate : rate + rate // 2] == pytest.approx(limiter.level, rel=0.01)
    held = (limiter.level / (gains * np.abs(pcm[rate]))) ** 2  # of the square of the loud part
    rise = np.flatnonzero(held[rate // 2 : rate] * (gains[rate // 2 : rate] < 1) >= 1 - np.exp(-1))[0]
    assert 1000 * (rise + 1) / rate == pytest.approx(attack, rel=0.05)
    fall = np.flatnonzero(held[rate * 3 // 2 :] <= np.exp(-1))[0]
    assert 1000 * (fall + 1) / rate == pytest.approx(release, rel=0.05)
    assert gains[-1] == 1.0, "what is below the level passes"


def test_the_program_at_first_is_a_chain_of_its_own(images):
    chain = FRAMES
    found = program_chains(chain)
    assert [each.strength for each in found] == [70, 100, 0]
    assert found[1].compressor.gains == tuple(map(tuple, PROGRAMS[0]["gains"]))
    assert found[2].limiter == chain.limiter


@pytest.mark.parametrize(
    ("programs", "said"),
    [
        ([{"name": "a", "limiter": -3}], "program 'a' has limiter, and the chain no limiter or limiter_spl"),
        ([{"name": "a", "gains": [[0]]}], "program 'a' has gains, and the chain no compressor"),
        ([{"name": "a", "strength": 101}], "program 'a': strength 101 is not in 0…100 %"),
        ([{"name": "a", "strength": 0.5}], "program 1: strength 0.5 is no whole number"),
        ([{"name": "a"}, {"name": "a"}], "two programs have one name"),
        ([{"name": ""}], "a program has no name of 1…40 letters"),
        ([{"strength": 1}], "program 1 has no name"),
        ([{"name": "a", "strenght": 1}], "program 1: strenght means nothing, did you mean strength?"),
        ([{"name": str(n)} for n in range(9)], "9 programs, at most 8 stand beside the chain's own settings"),
        ({"name": "a"}, "program is no list of tables"),
    ],
)
def test_programs_that_cannot_be_are_refused(programs, said):
    with pytest.raises(InputError) as caught:
        chain_of(window=64, n_fft=64, hop=32, feature="magnitude", strength=50, programs=programs)
    assert said in str(caught.value)


def test_a_program_that_is_not_there_is_refused(images):
    with pytest.raises(InputError, match="no program 3; there are 0 the chain's own, 1 quiet, 2 dry"):
        HostEnhancer(images[1]).set_program(3)
    with pytest.raises(InputError, match="program 1 is not in 0…0"):
        chain_of(window=64, n_fft=64, hop=32, feature="magnitude", program=1)

# SPDX-License-Identifier: Apache-2.0
"""Strength and limiter: what a listener sets is what comes out, smoothly, and no sample is above the limit."""

import ctypes
from dataclasses import replace

import numpy as np
import pytest

from chains import CHAINS, small_network
from codesign.base.errors import InputError
from codesign.compiler.frontend import Chain
from codesign.compiler.frontend.output_stage import limiter_of, mix_of
from codesign.compiler.plan import plan_memory
from codesign.compiler.reference.output_stage import limited, mixed
from codesign.firmware.machines.host import HostEnhancer
from codesign.firmware.toolchain import build_host

CHAIN = CHAINS["limited attenuation, strength, limiter"]
RATE = CHAIN.sample_rate
RNG = np.random.default_rng(4)


@pytest.fixture(scope="module")
def image(tmp_path_factory):
    return build_host(small_network(CHAIN), tmp_path_factory.mktemp("output") / "host")


class LimiterInC:
    """cs_limit_output of the built library."""

    def __init__(self, image, limiter):
        self.function = ctypes.CDLL(str(image.path)).cs_limit_output
        self.limiter = np.array([limiter.level, limiter.attack, limiter.release], np.uint32)  # uint16 and its padding
        self.envelope = np.zeros(1, np.uint32)

    def __call__(self, pcm):
        y = np.array(pcm, np.int16)
        self.function(*(ctypes.c_void_p(a.ctypes.data) for a in (self.limiter, self.envelope, y)), y.size)
        return y


def test_the_limiter_in_c_is_the_reference(image):
    limiter = limiter_of(CHAIN)
    pcm = np.concatenate([RNG.integers(-32768, 32768, 3000), np.rint(RNG.normal(0, 3000, 3000)), [-32768] * 99]).astype(
        np.int16
    )
    function = LimiterInC(image, limiter)
    assert np.array_equal(np.concatenate([function(part) for part in np.split(pcm, [7, 1000, 4444])]), limited(pcm, limiter))


@pytest.mark.parametrize("level", [0.0, -3.0, -20.0, -40.0])
def test_no_sample_is_above_the_level_in_ten_minutes_of_extremes(image, level):
    limiter = limiter_of(replace(CHAIN, limiter=level, limiter_attack=20.0))
    function, second = LimiterInC(image, limiter), RATE
    square = np.where(np.arange(second) // 40 % 2, 32767, -32768)
    parts = [
        RNG.integers(-32768, 32768, second),
        RNG.choice([-32768, 32767, 0], second),
        square,
        np.roll(square, 13) * (np.arange(second) // 997 % 2),
        np.rint(np.geomspace(1, 32767, second) * np.sign(np.sin(np.arange(second)))),
    ]
    highest = 0
    for _ in range(120):
        for part in parts:
            highest = max(highest, int(np.abs(function(part).astype(int)).max()))
    assert highest <= limiter.level
    assert highest > 0.9 * limiter.level, "it is no mute"


def test_what_is_below_the_level_passes(image):
    limiter = limiter_of(CHAIN)
    pcm = RNG.integers(-limiter.level + 1, limiter.level, 5000).astype(np.int16)
    assert np.array_equal(LimiterInC(image, limiter)(pcm), pcm)


@pytest.mark.parametrize(("attack", "release"), [(1.0, 50.0), (5.0, 100.0), (0.5, 500.0)])
def test_attack_and_release_are_what_was_set(attack, release):
    """After a step of the level the gain goes as a one-pole envelope does: 1 − 1/e of the way in the time that was set."""
    limiter = limiter_of(replace(CHAIN, limiter=-20.0, limiter_attack=attack, limiter_release=release))
    low, high = limiter.level, 8 * limiter.level
    sizes = np.repeat([low, high, low], [RATE, RATE // 4, 3 * RATE])
    signal = np.where(np.arange(sizes.size) % 2, sizes, -sizes).astype(np.int16)
    # The clamp hides the gain while it goes down: the envelope, that of the reference, shows it.
    envelope, found = 0, []
    for x in sizes.tolist():
        size = x << 15
        part = limiter.attack if size > envelope else limiter.release
        envelope += ((size - envelope) * part) >> 32
        found.append(envelope / 2**15)
    followed = np.array(found)
    rise, fall = RATE, RATE + RATE // 4
    way = 1 - np.exp(-1)
    attack_found = 1000 * (1 + np.argmax(followed[rise:] >= low + way * (high - low))) / RATE
    release_found = 1000 * (1 + np.argmax(followed[fall:] <= high - way * (high - low))) / RATE
    assert attack_found == pytest.approx(attack, rel=0.05, abs=1000 / RATE)
    assert release_found == pytest.approx(release, rel=0.05, abs=1000 / RATE)
    y = np.abs(limited(signal, limiter).astype(float))
    settled = slice(fall - 100, fall)
    assert y[settled] == pytest.approx(limiter.level, rel=0.01), "compressed to the level, not clipped far above it"
    recovering = y[fall:] / low
    assert recovering[0] < 0.2
    gain_at = 1.0 / (1 + 7 * np.exp(-1))  # of the level over its envelope, after the release time
    at = round(release * RATE / 1000)
    assert recovering[at] == pytest.approx(gain_at, rel=0.05)


def test_mixing_is_what_the_formula_says():
    pcm, wet = RNG.integers(-32768, 32768, (2, 4000)).astype(np.int16)
    found = mixed(pcm, wet, 40, round(2**15 * 10 ** (-12 / 20)))
    late = np.concatenate([np.zeros(40), pcm[:-40]])
    assert np.abs(found - (wet + (late - wet) * 10 ** (-12 / 20))).max() <= 1.5
    assert np.array_equal(mixed(pcm, wet, 40, 0), wet)
    assert np.array_equal(mixed(pcm, wet, 0, 2**15), pcm)


def test_strength_changes_at_run_time_smoothly_and_is_aligned(image):
    """A constant input shows the share: no step is larger than the ramp's, and 0 % is the delayed input."""
    enhancer, hop = HostEnhancer(image), CHAIN.hop
    pcm = np.full(60 * hop, 9000, np.int16)
    enhancer.process(pcm)
    enhancer.set_strength(0)
    fading, dry = np.split(enhancer.process(pcm), 2)
    assert np.array_equal(dry, pcm[: dry.size]), "the input, below the limiter"
    noise = RNG.integers(-9000, 9000, 20 * hop).astype(np.int16)
    late = CHAIN.latency_samples
    assert np.array_equal(enhancer.process(noise)[late:], noise[:-late]), "aligned to the sample"
    enhancer.reset()
    first = enhancer.process(pcm)
    enhancer.reset()
    enhancer.set_strength(CHAIN.strength)
    assert np.array_equal(enhancer.process(pcm), first), "a reset brings the chain's strength back"
    step = mix_of(CHAIN).step / 2**15
    assert np.abs(np.diff(fading.astype(int))).max() <= step * 2 * 32768 + np.abs(np.diff(first.astype(int))).max() + 2


def test_a_strength_that_changes_every_millisecond_does_not_click(tmp_path):
    """Each sample is between the input and what the network made of it; its share moves by no more than a ramp does."""
    chain = replace(CHAIN, window=32, n_fft=32, hop=16, attenuation_limit=None, strength=100, limiter=None)
    enhancer = HostEnhancer(build_host(small_network(chain), tmp_path / "host"))
    pcm = np.rint(9000 * np.sin(np.arange(400 * chain.hop) * 2 * np.pi * 500 / RATE)).astype(np.int16)
    wet = enhancer.process(pcm).astype(float)
    enhancer.reset()
    orders = RNG.integers(0, 101, 400)
    played = []
    for percent, block in zip(orders, pcm.reshape(-1, chain.hop), strict=True):
        enhancer.set_strength(int(percent))
        played.append(enhancer.process(block))
    y, late = np.concatenate(played).astype(float), chain.latency_samples
    dry = np.concatenate([np.zeros(late), pcm[:-late]])
    apart = np.abs(wet - dry)
    assert (np.abs(y - wet) <= apart + 1).all()
    assert (np.abs(y - dry) <= apart + 1).all()
    clear = np.flatnonzero(apart > 2000)
    shares = ((y - dry) / np.where(wet == dry, 1, wet - dry))[clear]
    step = mix_of(chain).step / 2**15
    assert (np.abs(np.diff(shares)) <= step * np.diff(clear) + 2 / 2000).all()
    assert np.ptp(shares) > 0.05, "a change is heard"


def test_a_strength_that_nobody_can_set_is_refused(image):
    with pytest.raises(InputError, match="strength 101 is not in 0…100 %"):
        HostEnhancer(image).set_strength(101)
    plain = replace(image, network=small_network(CHAINS["complex mask"]))
    with pytest.raises(InputError, match="has no strength to set"):
        HostEnhancer(plain).set_strength(50)


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ({"attenuation_limit": -1.0}, "attenuation_limit -1.0 is not in 0…100 dB"),
        ({"strength": 101}, "strength 101 is not in 0…100 %"),
        ({"limiter": 1.0}, "limiter 1.0 is not in -40…0 dBFS"),
        ({"limiter": -41.0}, "limiter -41.0"),
        ({"limiter_attack": 0.0}, "limiter_attack 0.0 is not in 0.1…2000 ms"),
        ({"limiter_release": 1e9}, "limiter_release"),
    ],
)
def test_what_cannot_be_is_refused(keys, said):
    with pytest.raises(InputError, match=said):
        Chain(**keys)


def test_switched_off_it_is_not_there():
    network = small_network(CHAINS["complex mask"])
    assert mix_of(network.frontend) is None
    assert limiter_of(network.frontend) is None
    assert not {"mix", "limiter"} & {key.name for key in plan_memory(network).buffers}

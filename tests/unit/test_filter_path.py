# SPDX-License-Identifier: Apache-2.0
"""The filter path: what its filters are, how one gives way to the next, and that it never waits for a network."""

import ctypes
from dataclasses import replace

import numpy as np
import pytest
from scipy.signal import lfilter

from chains import CHAINS, chain_of, small_network
from codesign.base.errors import InputError
from codesign.compiler.frontend.filter_path import fade_samples, filter_lag, taper
from codesign.compiler.plan.memory import filter_bytes
from codesign.compiler.reference.filter_path import filtered, filters_of
from codesign.compiler.reference.filter_path_s16 import fixed_filters
from codesign.compiler.reference.frontend import bin_gains, output_of
from codesign.firmware.machines.host import HostEnhancer
from codesign.firmware.toolchain import build_host

CHAIN = chain_of(window=64, n_fft=64, hop=32, feature="magnitude", path="filter", taps=32, lag=16)
RNG = np.random.default_rng(3)
PCM = RNG.integers(-12000, 12000, 40 * CHAIN.hop).astype(np.int16)
GAINS = RNG.uniform(0, 1, (40, CHAIN.n_bins)).astype(np.float32)


def windowed(gains):
    """The window method in double precision."""
    taps = CHAIN.taps
    response = np.roll(np.fft.irfft(gains.astype(np.float64)), taps // 2, axis=-1)[..., :taps]
    return response * np.sin(np.pi * np.arange(taps) / taps) ** 2


def test_filters_are_those_of_the_window_method():
    filters = filters_of(CHAIN, GAINS)
    assert np.abs(filters - windowed(GAINS)).max() < 1e-6
    assert np.array_equal(filters[:, 1:], filters[:, :0:-1]), "linear phase"


def test_a_filter_has_the_gains_it_was_made_of():
    bins = np.arange(CHAIN.n_bins)
    smooth = (0.6 + 0.4 * np.cos(2 * np.pi * bins * 3 / CHAIN.n_fft)).astype(np.float32)
    found = np.abs(np.fft.rfft(filters_of(CHAIN, smooth[None])[0], CHAIN.n_fft))
    assert np.abs(found - smooth).max() < 0.04


MINIMUM = replace(CHAIN, phase="minimum")


def test_filters_of_minimum_phase_are_those_of_the_cepstrum():
    """Against the complex exponential of the folded cepstrum, in double precision."""
    gains = 0.5 + 0.45 * np.cos(np.outer(np.arange(1, 5), np.arange(CHAIN.n_bins)) * 0.07)
    log = np.log(np.maximum(gains, 2.0**-5))
    folded = np.fft.irfft(log) * np.concatenate([[1.0], np.full(31, 2.0), [1.0], np.zeros(31)])
    exact = np.fft.irfft(np.exp(np.fft.rfft(folded, 4096 // 2)))[:, : CHAIN.taps]
    filters = filters_of(MINIMUM, gains.astype(np.float32))
    assert np.abs(filters - exact).max() < 1e-5
    energy = np.cumsum(filters**2, axis=1)
    assert (energy[:, 7] > 0.9 * energy[:, -1]).all(), "most of a filter of minimum phase is in its beginning"
    assert MINIMUM.latency_samples == 0
    roots = [np.abs(np.roots(taps)).max() for taps in filters_of(replace(MINIMUM, taps=16), gains.astype(np.float32))]
    assert max(roots) < 1.0, "zeros within the unit circle"


def test_taps_of_16_bits_are_the_filters_with_as_many_bits_as_fit():
    rng = np.random.default_rng(4)
    filters = (rng.normal(0, 1, (50, 32)) * 2.0 ** rng.uniform(-30, 12, (50, 1))).astype(np.float32)
    filters[0] = 0
    fixed = fixed_filters(filters)
    sizes = np.abs(fixed.taps).sum(axis=1)
    assert (sizes < 1 << 15).all()
    scale = 2.0 ** -fixed.fraction.astype(np.float64)
    most = fixed.fraction == 30
    assert (sizes[~most] > 1 << 13).all()
    assert (np.abs(fixed.taps * scale[:, None] - filters).max(axis=1) <= 0.5 * scale * (1 + 1e-6)).all()
    one = fixed_filters(np.eye(16, dtype=np.float32)[:1])
    assert one.taps[0, 0] == 1 << 14
    assert one.fraction[0] == 14


def test_each_filter_comes_in_at_its_sample_and_fades():
    filters = windowed(GAINS)
    start = np.eye(CHAIN.taps)[CHAIN.taps // 2]
    through = [lfilter(taps, [1.0], PCM.astype(np.float64)) for taps in (start, *filters)]
    expected, share = through[0].copy(), np.minimum((np.arange(CHAIN.hop) + 1) / fade_samples(CHAIN), 1.0)
    for hop in range(1, 40):
        at = np.arange(hop * CHAIN.hop + CHAIN.lag, min((hop + 1) * CHAIN.hop + CHAIN.lag, PCM.size))
        expected[at] = through[hop - 1][at] + (through[hop][at] - through[hop - 1][at]) * share[: at.size]
    assert np.abs(filtered(CHAIN, PCM, filters_of(CHAIN, GAINS)) - expected.clip(-32768, 32767)).max() <= 0.51


def test_with_gains_of_one_the_delayed_input_comes_back():
    loud = np.concatenate([PCM, np.array([32767, -32768] * 16, np.int16)])
    found = output_of(CHAIN, loud, np.zeros((41, CHAIN.n_bins, 2), np.float32), np.ones((41, CHAIN.n_bins), np.float32))
    half = CHAIN.taps // 2
    assert np.array_equal(found[half:], loud[:-half])
    assert not found[:half].any()
    assert CHAIN.latency_samples == half


def test_delays_and_deadline():
    assert (CHAIN.latency_samples, CHAIN.block_samples) == (16, 8)
    assert CHAIN.algorithmic_latency_ms == 1000 * 24 / 16000
    assert CHAIN.deadline_ms == 1000 * 16 / 16000
    assert filter_lag(replace(CHAIN, lag=0)) == 24, "as late as can be"
    assert taper(CHAIN)[0] == 1.0


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ({"path": "fast"}, "path 'fast' is not one of frames, filter"),
        ({"taps": 12}, "taps 12 is no multiple of 4 in 16…64"),
        ({"taps": 34}, "taps 34 is no multiple"),
        ({"taps": 128}, "taps 128 is no multiple of 4 in 16…64"),
        ({"taps": 36, "phase": "minimum"}, "taps 36 is no multiple of 4 in 16…32, half of n_fft for phase 'minimum'"),
        ({"phase": "zero"}, "phase 'zero' is not one of linear, minimum"),
        ({"filter_type": "q31"}, "filter_type 'q31' is not one of float32, int16"),
        ({"hop": 6, "taps": 16}, "hop 6 is shorter than 8, two of the smallest blocks"),
        ({"block": 32}, "block 32 is not in 4…16 or does not divide the hop 32"),
        ({"block": 5}, "block 5 is not in 4…16"),
        ({"lag": 32}, "lag 32 is no multiple of block 8 in 8…24"),
        ({"lag": 4}, "lag 4 is no multiple"),
        ({"feature": "spectrum", "output": "mask"}, "needs real gains, not output 'mask'"),
        ({"taps": "many"}, "taps is 'many', no whole number"),
    ],
)
def test_what_cannot_be_is_refused(keys, said):
    known = {"window": 64, "n_fft": 64, "hop": 32, "feature": "magnitude", "path": "filter", "taps": 32}
    with pytest.raises(InputError, match=said):
        chain_of(**(known | keys))


class Filter:
    """cs_filter_samples and cs_filter_next of a built library, on a state of our own."""

    def __init__(self, image):
        self.chain, self.library = image.network.frontend, ctypes.CDLL(str(image.path))
        self.path = ctypes.addressof(ctypes.c_char.in_dll(self.library, f"{image.generated.identifier}_filter"))
        self.memory = np.zeros(filter_bytes(self.chain, "float32"), np.uint8)

    def samples(self, pcm):
        source, result = np.ascontiguousarray(pcm), np.empty_like(pcm)
        self._call("cs_filter_samples", source.ctypes.data, result.ctypes.data, pcm.size)
        return result

    def design(self, response):
        taps, window = np.empty(self.chain.taps, np.float32), taper(self.chain)
        addresses = (array.ctypes.data for array in (window, window, np.ascontiguousarray(response, np.float32), taps))
        self.library.cs_filter_linear(self.chain.taps, self.chain.taps // 2, *map(ctypes.c_void_p, addresses))
        self._call("cs_filter_next", taps.ctypes.data)

    def _call(self, name, *arguments):
        addresses = (self.path, self.memory.ctypes.data, *arguments)
        getattr(self.library, name)(*map(ctypes.c_void_p, addresses))

    @property
    def held(self):
        return int(self.memory[8:12].view("<u4")[0])


@pytest.fixture(scope="module")
def image(tmp_path_factory):
    return build_host(small_network(CHAINS["filter, mixed and limited"]), tmp_path_factory.mktemp("filter") / "host")


def responses(chain, gains):
    return np.fft.irfft(gains.astype(np.float64))[:, : chain.taps // 2].astype(np.float32)


@pytest.mark.parametrize("cut", [[32], [1] * 32, [3, 5, 24], [8, 8, 8, 8], [31, 1]])
def test_the_bits_do_not_depend_on_the_blocks(image, cut):
    one, other = Filter(image), Filter(image)
    for response, hop in zip(responses(one.chain, GAINS), PCM.reshape(-1, 32), strict=True):
        whole = one.samples(hop)
        parts = [other.samples(part) for part in np.split(hop, np.cumsum(cut)[:-1])]
        assert np.array_equal(np.concatenate(parts), whole)
        one.design(response)
        other.design(response)
    assert one.held == other.held == 0


def test_a_late_network_holds_the_filter_and_is_counted(image):
    """A tone through filters that stay the same has no jump where they come late, or never."""
    path, tone = Filter(image), np.rint(9000 * np.sin(np.arange(60 * 32) / 5)).astype(np.int16)
    gains = np.full((1, path.chain.n_bins), 0.5, np.float32)
    played = []
    for number, hop in enumerate(tone.reshape(-1, 32)):
        played.append(path.samples(hop))
        if number < 10 or number % 3 == 0:
            path.design(responses(path.chain, gains)[0])
    assert path.held == 33
    pcm = np.concatenate(played).astype(int)
    assert np.abs(np.diff(pcm)).max() <= np.abs(np.diff(tone.astype(int))).max() + 1
    settled, half = pcm[200:], path.chain.taps // 2
    assert np.abs(settled[half:] - 0.5 * tone[200:-half]).max() < 2


def test_a_filter_that_nobody_used_is_replaced(image):
    path, twice = Filter(image), Filter(image)
    gains = responses(path.chain, GAINS[:2])
    path.samples(PCM[:32])
    twice.samples(PCM[:32])
    path.design(gains[1])
    twice.design(gains[0])
    twice.design(gains[1])
    assert np.array_equal(path.samples(PCM[32:64]), twice.samples(PCM[32:64]))


def test_gains_beyond_the_limits_are_limited():
    chain = replace(CHAIN, gain_min=0.1, gain_max=0.9)
    gains = bin_gains(chain, np.array([np.linspace(-1, 2, chain.n_bins)], np.float32))
    assert (gains.min(), gains.max()) == (np.float32(0.1), np.float32(0.9))


def test_two_rates_give_the_bits_of_one(image):
    """Blocks played and updates made each for itself, as two threads do, with strength and limiter after the filter."""
    one, other = HostEnhancer(image), HostEnhancer(image)
    library, memory = ctypes.CDLL(str(image.path)), ctypes.c_void_p(other.memory.ctypes.data)
    played, heard = [], np.empty(32, np.int16)
    for hop in PCM.reshape(-1, 32):
        for block, kept in zip(hop.reshape(4, 8), heard.reshape(4, 8), strict=True):
            out = np.empty(8, np.int16)
            library.small_play(memory, *(ctypes.c_void_p(a.ctypes.data) for a in (block, out, kept)), 8)
            played.append(out)
        assert np.array_equal(heard, hop)
        assert library.small_update(memory, ctypes.c_void_p(heard.ctypes.data)) == 1
    assert np.array_equal(np.concatenate(played), one.process(PCM))
    assert library.small_held(memory) == 0
    for _ in range(3):
        library.small_play(memory, *(ctypes.c_void_p(a.ctypes.data) for a in (hop, hop.copy(), heard)), 32)
    assert library.small_held(memory) == 2, "the first of them had its filter"

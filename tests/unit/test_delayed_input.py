# SPDX-License-Identifier: Apache-2.0
"""The application's input beside the enhancer: as late as the enhanced signal, to the sample, for any hop, window and block."""

from __future__ import annotations

import ctypes

import numpy as np
import pytest

from chains import chain_of
from codesign.base.resources import resource
from codesign.compiler.reference.frontend import analyse, output_of
from shared_library import STRICT, shared_library

STUBS = {
    "zephyr/toolchain.h": "#define BUILD_ASSERT(condition, text) _Static_assert(condition, text)\n",
    "zephyr/sys/util.h": """
#define MIN(a, b) ((a) < (b) ? (a) : (b))
#define CLAMP(value, low, high) ((value) < (low) ? (low) : (value) > (high) ? (high) : (value))
""",
}
CALLS = """
#include "output.h"
static struct output state;
void start(void) { output_reset(&state); }
void block(const int16_t *in, const int16_t *enhanced, int leaving, int16_t *out)
{
    int16_t scratch[AUDIO_BLOCK];
    output_push(&state, in);
    const int16_t *played = output_render(&state, enhanced, leaving != 0, scratch);
    for (int i = 0; i < AUDIO_BLOCK; i++) {
        out[i] = played[i];
    }
}
"""
FRAMES = {
    "hop that divides the window": {"window": 64, "n_fft": 64, "hop": 32},
    "hop that does not": {"window": 70, "n_fft": 80, "hop": 32, "window_kind": "sqrt_hann"},
    "hop above half a window": {"window": 64, "n_fft": 90, "hop": 48, "window_kind": "sqrt_hamming"},
    "hop as long as the window": {"window": 48, "n_fft": 48, "hop": 48, "window_kind": "rectangular"},
    "short synthesis": {"window": 96, "n_fft": 96, "hop": 16, "window_kind": "asymmetric", "synthesis_length": 64},
}
SMALL = {"window": 64, "n_fft": 64, "hop": 32, "path": "filter"}
FILTERS = {
    "block that divides what is late": {**SMALL, "taps": 32, "block": 8},
    "block that does not": {**SMALL, "taps": 24, "block": 8},
    "block longer than what is late": {**SMALL, "taps": 16, "block": 16},
    "minimum phase": {**SMALL, "taps": 16, "block": 16, "phase": "minimum"},
}
CHAINS = FRAMES | FILTERS


@pytest.fixture(params=CHAINS.values(), ids=CHAINS)
def chain(request):
    return chain_of(feature="magnitude", **request.param)


@pytest.fixture
def output(chain, tmp_path):
    """A function of the application's output stage: input, the enhanced signal or None, and what leaves, block by block."""
    block = chain.block_samples
    lag = "#define CODESIGN_MODEL_LAG 1\n" if chain.filters else ""
    numbers = {"HOP": chain.hop, "BLOCK": block, "LATENCY": chain.latency_samples, "RESAMPLE": 1, "CHANNELS": 1}
    model = "".join(f"#define CODESIGN_MODEL_{name} {value}\n" for name, value in numbers.items())
    for name, text in {**STUBS, "codesign_model.h": f"#include <stdint.h>\n{model}{lag}", "calls.c": CALLS}.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    app = resource("app", "src")
    flags = (*STRICT, f"-I{tmp_path}", f"-I{app}")
    library = shared_library([app / "output.c", tmp_path / "calls.c"], tmp_path, flags)
    pointer = ctypes.POINTER(ctypes.c_int16)

    def through(pcm, enhanced, leaves):
        library.start()
        out = np.empty_like(pcm)
        for n in range(0, pcm.size, block):
            given = [np.ascontiguousarray(x[n : n + block]) for x in (pcm, enhanced)]
            first, second = (each.ctypes.data_as(pointer) for each in given)
            library.block(first, second, leaves(n // block), out[n : n + block].ctypes.data_as(pointer))
        return out

    return through


def test_bypass_is_the_enhanced_signal_of_a_network_that_does_nothing(chain, output):
    """With gains of 1 input and enhanced are the same samples, so that nobody hears a switch between them."""
    rng = np.random.default_rng(3)
    pcm = rng.integers(-12000, 12000, 20 * chain.hop).astype(np.int16)
    analysis = analyse(chain, pcm)
    enhanced = output_of(chain, pcm, analysis.spectrum, np.ones((len(analysis.spectrum), chain.n_outputs), np.float32))
    late = chain.latency_samples
    expected = np.concatenate([np.zeros(late, np.int16), pcm[: pcm.size - late]])
    bypassed = output(pcm, enhanced, lambda block: True)
    first = chain.block_samples  # leaving the enhanced signal is a cross-fade over a block
    np.testing.assert_array_equal(bypassed[first:], expected[first:])
    settled = chain.window + 2 * chain.hop
    apart = np.abs(enhanced[settled:].astype(int) - expected[settled:])
    assert apart.max() <= 2, "the enhanced signal is this late, to the sample"
    switched = output(pcm, enhanced, lambda block: block % 3 == 1)
    assert np.abs(switched[settled:].astype(int) - expected[settled:]).max() <= 3

# SPDX-License-Identifier: Apache-2.0
"""The front end in vectors of floats, which flush subnormals, on an emulated Cortex-M55 against the reference: every bit."""

from __future__ import annotations

import struct

import numpy as np
import pytest

pytest.importorskip("unicorn", reason="unicorn is not installed (pip install codesign[emulator])")
pytest.importorskip("ziglang", reason="ziglang is not installed (pip install codesign[emulator])")

from cores import open_calls

from codesign.base.resources import resource
from codesign.compiler.frontend.fft_tables import fft_split, fft_twiddles
from codesign.compiler.reference.fft import irfft, rfft
from codesign.testing.calls import Calls

SOURCES = ("cs_complex_fft.c", "cs_rfft.c", "cs_irfft.c", "cs_take_frame.c", "cs_overlap_add.c", "cs_quantize.c")
GLUE = """\
/* SPDX-License-Identifier: Apache-2.0 */
#include "codesign/chain.h"
void dequantize(const int16_t *q, uint32_t n, const float *scale, int32_t zero_point, float *x);
void dequantize(const int16_t *q, uint32_t n, const float *scale, int32_t zero_point, float *x)
{
    cs_dequantize_s16(q, n, *scale, zero_point, x);
}
"""
SIZES = (16, 32, 64, 128, 512, 2048)
LOUDNESS = (1.0, 1e-25, 3e-36, 2e-38, 1e-42)
"""The last three leave subnormals: in cancelling sums, in most products, everywhere."""


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Calls:
    dsp, folder = resource("runtime", "dsp"), tmp_path_factory.mktemp("float")
    (folder / "glue.c").write_text(GLUE)
    more = (folder / "glue.c", *(dsp / name for name in SOURCES), *sorted(dsp.glob("*_mve.S")))
    return open_calls("mps3_an547", folder, more=more)


def bits(x: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(x, np.float32).view(np.uint32)


def fft_struct(image: Calls, n: int) -> int:
    return image.put(struct.pack("<HxxII", n, image.put(fft_twiddles(n)), image.put(fft_split(n))))


@pytest.mark.parametrize("n", SIZES)
def test_transforms(image, n):
    rng = np.random.default_rng(n)
    for loudness in LOUDNESS:
        x = (rng.standard_normal(n) * loudness).astype(np.float32)
        x[rng.random(n) < 0.2] = 0
        image.clear()
        fft = fft_struct(image, n)
        data = image.put(np.concatenate([x, np.zeros(2, np.float32)]))
        work = image.put(np.zeros(n + 2, np.float32))
        image.call("cs_rfft", fft, data, work)
        spectrum = image.get(data, np.float32, n + 2)
        with np.errstate(under="ignore"):
            expected = rfft(x[None])
            np.testing.assert_array_equal(bits(spectrum), bits(expected).ravel(), err_msg=f"{loudness}")
            back = irfft(expected)[0]
        image.call("cs_irfft", fft, data, work)
        np.testing.assert_array_equal(bits(image.get(data, np.float32, n)), bits(back), err_msg=f"{loudness}")


def frame_size(image: Calls, n_fft: int, window: int, hop: int) -> int:
    return image.put(struct.pack("<IHHHH", 16000, n_fft, window, hop, 0))


@pytest.mark.parametrize(("window", "hop"), [(64, 32), (60, 15), (33, 33), (50, 30)])
@pytest.mark.parametrize("least", [1.0, 1e-37])
def test_frames(image, window, hop, least):
    rng = np.random.default_rng(window)
    shape = (rng.random(window) * least).astype(np.float32)
    past = window - hop
    history, new = (rng.integers(-32768, 32768, count).astype(np.int16) for count in (past, hop))
    image.clear()
    size, frame_at = frame_size(image, window, window, hop), image.put(np.zeros(window, np.float32))
    history_at = image.put(history) if past else image.put(b"\0" * 8)
    image.call("cs_take_frame", size, image.put(shape), history_at, image.put(new), frame_at)
    pcm = np.concatenate([history, new])
    with np.errstate(under="ignore"):
        expected = pcm.astype(np.float32) * np.float32(1 / 32768) * shape
    np.testing.assert_array_equal(bits(image.get(frame_at, np.float32, window)), bits(expected))
    if past:
        np.testing.assert_array_equal(image.get(history_at, np.int16, past), pcm[hop:])

    frame = (rng.standard_normal(window) * 2).astype(np.float32)
    overlap = rng.standard_normal(past).astype(np.float32) * np.float32(least)
    out_at, overlap_at = image.put(np.zeros(hop, np.int16)), image.put(overlap) if past else image.put(b"\0" * 8)
    image.call("cs_overlap_add", size, image.put(frame), image.put(shape), overlap_at, out_at)
    with np.errstate(under="ignore"):
        turned = frame * shape
        summed = np.concatenate([overlap, np.zeros(hop, np.float32)])
        summed = np.concatenate([summed[:past] + turned[:past], turned[past:]])
        out = np.clip(np.rint(summed[:hop] * np.float32(32768)), -32768, 32767)
    np.testing.assert_array_equal(image.get(out_at, np.int16, hop), out)
    if past:
        np.testing.assert_array_equal(bits(image.get(overlap_at, np.float32, past)), bits(summed[hop:]))


@pytest.mark.parametrize("scale", [0.0031, 1.0, 3e-39])
def test_integers_to_floats(image, scale):
    rng = np.random.default_rng(5)
    q = rng.integers(-32767, 32768, 77).astype(np.int16)
    image.clear()
    y = image.put(np.zeros(80, np.float32))
    factor = np.float32(scale)
    image.call("dequantize", image.put(q), 77, image.put(np.array([factor])), 12, y)
    with np.errstate(under="ignore"):
        expected = (q.astype(np.int32) - 12).astype(np.float32) * factor
    np.testing.assert_array_equal(bits(image.get(y, np.float32, 77)), bits(expected))

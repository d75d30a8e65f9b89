# SPDX-License-Identifier: Apache-2.0
"""Features to int16 without divisions, built for Cortex-M and emulated, against division: every bit."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("unicorn", reason="unicorn is not installed (pip install codesign[emulator])")
pytest.importorskip("ziglang", reason="ziglang is not installed (pip install codesign[emulator])")

from cores import open_calls

from codesign.base.resources import resource

SOURCE = """\
/* SPDX-License-Identifier: Apache-2.0 */
#include "codesign/chain.h"
void quantize(const float *x, uint32_t n, const float *scale, int16_t *q);
void quantize(const float *x, uint32_t n, const float *scale, int16_t *q)
{
    cs_quantize_s16(x, n, *scale, q);
}
"""
SCALES = (1.0, 2.0**-15, 0.0030932847876101732, 7.3e-5, 1e-20, 3e8, 1e-37, 3e-39)


def near_halves(rng: np.random.Generator, scale: np.float32) -> np.ndarray:
    """Numbers at, just below and just above where the rounding changes, some beyond int16, and others."""
    steps = np.concatenate([rng.integers(-33000, 33001, 1500) + 0.5, [32766.5, 32767.5, -32767.5, 0.5, 1.5, 1e6, 1e30]])
    exact = (steps * scale).astype(np.float32)
    ends = np.array([0.0, -0.0, np.inf, -np.inf, 1e-45], np.float32)
    others = (rng.uniform(-33000, 33000, 1500) * scale).astype(np.float32)
    around = (np.nextafter(exact, np.float32(way)) for way in (np.inf, -np.inf))
    return np.concatenate([exact, *around, ends, others])


@pytest.mark.parametrize("board", ["nrf5340dk", "stm32f746g_disco", "mps3_an547"])
def test_steps_are_those_of_a_division(tmp_path, board):
    file = tmp_path / "quantize.c"
    file.write_text(SOURCE)
    dsp, rng = resource("runtime", "dsp"), np.random.default_rng(3)
    vectors = (dsp / "cs_samples_mve.S",) if board == "mps3_an547" else ()
    image = open_calls(board, tmp_path, more=(file, dsp / "cs_quantize.c", *vectors))
    for number in SCALES:
        scale = np.float32(number)
        x = near_halves(rng, scale)
        image.clear()
        q = image.put(np.full(len(x) + 2, 99, np.int16))
        image.call("quantize", image.put(x), len(x), image.put(np.array([scale])), q)
        with np.errstate(over="ignore", under="ignore"):
            quotient = np.rint(x / scale)
        expected = np.clip(quotient, -32767, 32767).astype(np.int16)
        np.testing.assert_array_equal(image.get(q, np.int16, len(x)), expected, err_msg=str(number))
        assert (image.get(q + 2 * len(x), np.int16, 2) == 99).all()

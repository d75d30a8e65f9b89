# SPDX-License-Identifier: Apache-2.0
"""Write vectors.h: matrix products of odd shapes, and the checksum of an enhanced signal, from the NumPy reference.

python vectors.py MODEL KERNEL OUTPUT
"""

from __future__ import annotations

import sys
import zlib
from pathlib import Path

import numpy as np

from codesign.compiler.layers import packing
from codesign.compiler.lower import lower
from codesign.compiler.model import load_onnx
from codesign.proof.equality import run_reference

SHAPES = ((4, 1), (4, 3), (8, 4), (12, 5), (16, 31), (20, 64), (64, 129), (4, 513))
HOPS = 40


def signal(samples: int) -> np.ndarray:
    """The noise of main.c: a linear congruential generator's upper bits."""
    state, out = 1, np.empty(samples, np.int16)
    for index in range(samples):
        state = (state * 1664525 + 1013904223) & 0xFFFFFFFF
        out[index] = np.array(state >> 16, np.uint16).view(np.int16) >> 1
    return out


def numbers(values: np.ndarray) -> str:
    return ", ".join(str(int(value)) for value in values.reshape(-1))


def main(model: Path, kernel: str, output: Path) -> None:
    rng = np.random.default_rng(5)
    pack = packing.PACKERS[kernel]
    lines, rows = ["#include <stdint.h>", ""], []
    for index, (height, width) in enumerate(SHAPES):
        weights = rng.integers(-127, 128, (height, width)).astype(np.int8)
        x = rng.choice(np.array([-128, -127, 0, 1, 127], np.int8), width)
        packed = np.ascontiguousarray(pack(weights)).view(np.uint32)
        products = 256 * (weights.astype(np.int64) @ x.astype(np.int64))
        lines += [
            f"static const uint32_t weights_{index}[] = {{{numbers(packed)}}};",
            f"static const int8_t x_{index}[] = {{{numbers(x)}}};",
            f"static const int32_t products_{index}[] = {{{numbers(products)}}};",
        ]
        rows.append(f"\t{{weights_{index}, x_{index}, products_{index}, {height}, {width}}},")
    network = lower(load_onnx(model))
    enhanced = run_reference(network, signal(HOPS * network.frontend.hop)).pcm
    lines += ["", "static const struct product products[] = {", *rows, "};", ""]
    lines += [f"#define MATRIX_KERNEL cs_kernel_{kernel}", f"#define HOPS {HOPS}"]
    lines += [f"#define MAX_ROWS {max(h for h, _ in SHAPES)}", f"#define MAX_COLUMNS {max(w for _, w in SHAPES)}"]
    lines += [f"#define ENHANCED_CRC32 0x{zlib.crc32(enhanced.astype('<i2').tobytes()):08x}u", ""]
    output.parent.mkdir(parents=True, exist_ok=True)
    output.write_text("\n".join(lines), encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], Path(sys.argv[3]))

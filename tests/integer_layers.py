# SPDX-License-Identifier: Apache-2.0
"""Random and extreme integer layers for kernel tests."""

from __future__ import annotations

import numpy as np

from codesign.compiler.layers import FullyConnected, Lstm


def integers(rng: np.random.Generator, shape: tuple[int, ...], kind: str = "random") -> np.ndarray:
    """int8 in [−127, 127]: "random", "extreme" (±127 only), "maximum" (127 only) or "zero"."""
    match kind:
        case "extreme":
            return (127 * rng.choice([-1, 1], shape)).astype(np.int8)
        case "maximum":
            return np.full(shape, 127, np.int8)
        case "zero":
            return np.zeros(shape, np.int8)
        case _:
            return rng.integers(-127, 128, shape).astype(np.int8)


def fully_connected(rng: np.random.Generator, rows: int, columns: int, bits: int = 8, kind: str = "random") -> FullyConnected:
    low, high = (-32768, 32767) if bits == 16 else (int(rng.integers(-127, 0)), int(rng.integers(1, 128)))
    return FullyConnected(
        name="fc",
        source="x",
        output="y",
        weights=integers(rng, (rows, columns), kind),
        bias=rng.integers(-(2**24), 2**24, rows).astype(np.int32),
        multiplier=rng.integers(2**30, 2**31, rows).astype(np.int32),
        shift=rng.integers(-20, 5, rows).astype(np.int32),
        zero_point=0 if bits == 16 else int(rng.integers(-127, 128)),
        low=low,
        high=high,
    )


def lstm(rng: np.random.Generator, inputs: int, units: int, fraction: int = 11, kind: str = "random", gain: int = 24) -> Lstm:
    """`gain`: bits of the multipliers; about 24 keeps random gates inside the tables, 30 saturates everything."""
    return Lstm(
        name="lstm",
        source="x",
        hidden="h",
        cell="c",
        input_weights=integers(rng, (4 * units, inputs), kind),
        recurrent_weights=integers(rng, (4 * units, units), kind),
        bias=rng.integers(-(2**26), 2**26, 4 * units).astype(np.int32),
        input_multiplier=rng.integers(2 ** (gain - 1), 2**gain, 4).astype(np.int32),
        recurrent_multiplier=rng.integers(2 ** (gain - 1), 2**gain, 4).astype(np.int32),
        gate_shift=rng.integers(1, 17, 4).astype(np.int32),
        cell_fraction=fraction,
        hidden_multiplier=int(rng.integers(2**29, 2**30 + 1)),
        hidden_shift=int(rng.integers(18, 26)),
        hidden_zero_point=int(rng.integers(-127, 128)),
    )

# SPDX-License-Identifier: Apache-2.0
"""Chains of views composed into one copy, against NumPy, and the copy in C for this machine and for Cortex-M."""

from __future__ import annotations

import ctypes

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from codesign.base.errors import InputError
from codesign.base.resources import resource
from codesign.compiler.layers import History, Rearrange, Value
from codesign.compiler.layers.arrangement import Arrangement, concatenate
from codesign.compiler.layers.loops import Loop, Loops
from codesign.compiler.lower.arrangement import rearrange
from shared_library import shared_library


def random_chain(rng: np.random.Generator, steps: int) -> tuple[Arrangement, np.ndarray, dict[str, np.ndarray], int]:
    """(arrangement, what NumPy says it is, the sources, how many steps needed a copy)."""
    shape = tuple(int(n) for n in rng.integers(1, 6, rng.integers(1, 5)))
    sources = {"x": rng.integers(-999, 1000, shape)}
    arrangement, array, copies = Arrangement.of("x", shape), sources["x"], 0
    for _ in range(steps):
        axis = int(rng.integers(array.ndim))
        n = array.shape[axis]
        axis -= array.ndim * int(rng.integers(0, 2))  # from the end, too
        match rng.choice(["transpose", "reshape", "slice", "pad", "concat", "gather", "unfold", "squeeze"]):
            case "transpose":
                order = rng.permutation(array.ndim).tolist()
                after, result = arrangement.transpose(order), array.transpose(order)
            case "reshape":
                shape = random_shape(rng, array.size)
                after, result = arrangement.reshape(shape), array.reshape(shape)
            case "squeeze":
                shape = tuple(k for k in array.shape if k != 1) or (1,)
                after, result = arrangement.reshape(shape), array.reshape(shape)
            case "slice":
                step = int(rng.choice([1, 2, -1, -2]))
                chosen = np.arange(n)[::step][int(rng.integers(0, 2)) :]
                if not len(chosen):
                    continue
                after, result = arrangement.slice(axis, int(chosen[0]), len(chosen), step), np.take(array, chosen, axis)
            case "pad":
                around = rng.integers(0, 3, (2, array.ndim))
                after, result = arrangement.pad(*around.tolist()), np.pad(array, around.T.tolist())
            case "concat":
                name = f"x{len(sources)}"
                shape = tuple(int(rng.integers(1, 4)) if k == axis % array.ndim else m for k, m in enumerate(array.shape))
                sources[name] = rng.integers(-999, 1000, shape)
                after = concatenate([arrangement, Arrangement.of(name, shape)], axis)
                result = np.concatenate([array, sources[name]], axis)
            case "gather":
                indices = rng.integers(0, n, rng.integers(1, 5))
                after, result = arrangement.gather(axis, indices), np.take(array, indices, axis)
            case _:
                window = int(rng.integers(1, n + 1))
                indices = np.arange(n - window + 1)[:, None] + np.arange(window)
                after, result = arrangement.gather(axis, indices), np.take(array, indices, axis)
        if result.size > 2000 or result.ndim > 6:
            continue
        if after is None:  # a layer copies, and the chain goes on from its output
            copies += 1
            name = f"x{len(sources)}"
            sources[name], after = result.copy(), Arrangement.of(name, result.shape)
        arrangement, array = after, result
    return arrangement, array, sources, copies


def random_shape(rng: np.random.Generator, size: int) -> tuple[int, ...]:
    shape = []
    while size > 1 and len(shape) < 4:
        divisors = [d for d in range(1, size + 1) if size % d == 0]
        shape.append(int(rng.choice(divisors)))
        size //= shape[-1]
    return (*shape, size)


def layer_of(arrangement: Arrangement, sources: dict[str, np.ndarray], dtype: str) -> Rearrange:
    values = {name: Value(name, array.size, dtype, 0.5) for name, array in sources.items()}
    return rearrange("move", arrangement, values, Value("y", arrangement.size, dtype, 0.5))


@given(seed=st.integers(0, 2**32 - 1), steps=st.integers(1, 8))
@settings(max_examples=400, deadline=None)
def test_chains_are_numpys(seed: int, steps: int) -> None:
    arrangement, array, sources, _ = random_chain(np.random.default_rng(seed), steps)
    assert arrangement.shape == array.shape
    values = {name: source.reshape(-1) for name, source in sources.items()}
    layer = layer_of(arrangement, sources, "int16")
    covered = np.concatenate([piece.loops.output_indices() for piece in layer.pieces])
    np.testing.assert_array_equal(np.sort(covered), np.arange(array.size))
    layer.step(values, ())
    np.testing.assert_array_equal(values["y"].reshape(array.shape), array)
    if (found := arrangement.alias()) is not None:
        source, offset = found
        np.testing.assert_array_equal(sources[source].reshape(-1)[offset : offset + array.size], array.reshape(-1))


def test_most_chains_need_one_copy() -> None:
    copies = [random_chain(np.random.default_rng(seed), 4)[3] for seed in range(300)]
    assert np.mean(np.array(copies) == 0) > 0.99


def test_pure_reshapes_are_aliases() -> None:
    x = Arrangement.of("x", (1, 16, 1, 33))
    assert x.reshape((16, 33)).alias() == ("x", 0)
    assert x.transpose((0, 2, 1, 3)).reshape((528,)).alias() == ("x", 0)
    assert x.slice(1, 8, 8).reshape((8, 33)).alias() == ("x", 264)
    assert x.transpose((0, 1, 3, 2)).alias() == ("x", 0)
    assert x.transpose((0, 3, 2, 1)).alias() is None
    assert x.pad((0, 0, 0, 1), (0, 0, 0, 1)).alias() is None
    assert x.slice(3, 0, 32).alias() is None


def test_channel_shuffle_is_one_copy() -> None:
    halves = [Arrangement.of(name, (8, 33)) for name in "ab"]
    stacked = concatenate([h.reshape((1, 8, 33)) for h in halves], 0)
    shuffled = stacked.transpose((1, 0, 2)).reshape((16, 33))
    assert shuffled is not None
    assert shuffled.loops() == (
        ("a", Loops((Loop(8, 33, 66), Loop(33, 1, 1)), 0, 0)),
        ("b", Loops((Loop(8, 33, 66), Loop(33, 1, 1)), 0, 33)),
    )


def test_a_transposition_that_is_flattened_is_one_copy() -> None:
    flat = Arrangement.of("x", (16, 5, 33)).transpose((2, 0, 1)).reshape((33 * 80,))
    assert flat is not None
    assert flat.loops() == (("x", Loops((Loop(33, 1, 80), Loop(80, 33, 1)))),)


def test_unfolding_over_frequency_has_no_table() -> None:
    x = Arrangement.of("x", (3, 129)).pad((0, 1), (0, 1))
    unfolded = x.gather(1, np.arange(129)[:, None] + np.arange(3))
    assert unfolded is not None
    layer = layer_of(unfolded.transpose((0, 2, 1)), {"x": np.zeros((3, 129), int)}, "int16")
    assert len(layer.pieces) == 5  # three shifts, and one column of padding at each end
    assert layer.constants == ()


def test_what_strides_cannot_say_needs_two() -> None:
    assert Arrangement.of("x", (3000, 2, 3)).transpose((0, 2, 1)).reshape((2, 9000)) is None
    assert Arrangement.of("x", (9, 999)).gather(1, np.random.default_rng(0).permutation(999)) is None


def test_many_loops_are_written_out() -> None:
    loops = Loops(tuple(Loop(n, 1000 * n, 7 * n) for n in (2, 3, 2, 4, 5, 6)))
    parts = loops.split()
    assert len(parts) == 4
    assert all(len(part.loops) <= 4 for part in parts)
    pairs = {pair for part in parts for pair in zip(part.source_indices(), part.output_indices(), strict=True)}
    assert pairs == set(zip(loops.source_indices(), loops.output_indices(), strict=True))


@pytest.mark.parametrize(("dtype", "other"), [("int8", "int16"), ("int16", "int8"), ("int16", "int16")])
def test_other_scales_are_requantized(dtype: str, other: str) -> None:
    rng = np.random.default_rng(1)
    limit = {"int8": 127, "int16": 32767}
    source = Value("x", 200, dtype, 0.01, 5 if dtype == "int8" else 0)
    scale = 0.01 * limit[dtype] / limit[other] * 0.7
    output = Value("y", 200, other, scale, -3 if other == "int8" else 0)
    layer = rearrange("move", Arrangement.of("x", (10, 20)).transpose((1, 0)), {"x": source}, output)
    q = rng.integers(-limit[dtype], limit[dtype] + 1, 200)
    values = {"x": q}
    layer.step(values, ())
    real = (q.reshape(10, 20).T - source.zero_point) * source.scale
    wished = np.clip(real / scale + output.zero_point, -limit[other], limit[other]).reshape(-1)
    assert np.abs(values["y"] - wished).max() <= layer.tolerance({})["y"]
    with pytest.raises(InputError, match="too small"):
        rearrange("move", Arrangement.of("x", (200,)), {"x": source}, Value("y", 200, other, 1e-9))
    with pytest.raises(InputError, match="199"):
        rearrange("move", Arrangement.of("x", (200,)), {"x": source}, Value("y", 199, other, 1.0))


class Copy(ctypes.Structure):
    _fields_ = (
        ("from_offset", ctypes.c_int32),
        ("to_offset", ctypes.c_int32),
        ("sizes", ctypes.c_uint32 * 4),
        ("from_", ctypes.c_int32 * 4),
        ("to", ctypes.c_int32 * 4),
    )


class Scale(ctypes.Structure):
    names = ("multiplier", "shift", "source_zero_point", "zero_point", "low", "high")
    _fields_ = (*((name, ctypes.c_int32) for name in names), ("x_wide", ctypes.c_uint8), ("y_wide", ctypes.c_uint8))


@pytest.fixture(scope="module")
def nn(tmp_path_factory: pytest.TempPathFactory) -> ctypes.CDLL:
    sources = [resource("runtime", "nn", f"cs_{name}.c") for name in ("rearrange", "history")]
    return shared_library(sources, tmp_path_factory.mktemp("layout"))


def copies(layer: Rearrange) -> list[tuple[Copy, str | None, int, object]]:
    from codesign.compiler.layers.rearrange_code import c_loops

    found = []
    for piece in layer.pieces:
        for loops in piece.loops.split():
            c = c_loops(loops, scaled=piece.rescale is not None)
            arrays = ((ctypes.c_uint32 * 4)(*c["sizes"]), (ctypes.c_int32 * 4)(*c["from_"]), (ctypes.c_int32 * 4)(*c["to"]))
            found.append((Copy(c["from_offset"], c["to_offset"], *arrays), piece.source, piece.fill, piece))
    return found


@given(seed=st.integers(0, 2**32 - 1), bits=st.sampled_from([8, 16]))
@example(seed=3, bits=8)
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_c_is_the_reference(nn: ctypes.CDLL, seed: int, bits: int) -> None:
    rng = np.random.default_rng(seed)
    arrangement, array, sources, _ = random_chain(rng, 5)
    dtype = f"int{bits}"
    layer = layer_of(arrangement, sources, dtype)
    narrow = {name: np.ascontiguousarray(source.reshape(-1).astype(dtype)) for name, source in sources.items()}
    y = np.full(array.size + 8, 77, dtype)
    for c, source, fill, _ in copies(layer):
        x = narrow[source] if source is not None else np.array([fill], dtype)
        getattr(nn, f"cs_rearrange_s{bits}")(ctypes.byref(c), ctypes.c_void_p(x.ctypes.data), ctypes.c_void_p(y.ctypes.data))
    np.testing.assert_array_equal(y[:-8].reshape(array.shape), array.astype(dtype))
    assert (y[-8:] == 77).all()


@given(seed=st.integers(0, 2**32 - 1), wide=st.tuples(st.booleans(), st.booleans()))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_c_requantizes_as_the_reference(nn: ctypes.CDLL, seed: int, wide: tuple[bool, bool]) -> None:
    rng = np.random.default_rng(seed)
    arrangement, array, sources, _ = random_chain(rng, 3)
    kinds = ["int16" if w else "int8" for w in wide]
    values = {
        name: Value(name, a.size, kinds[0], 2.0 ** rng.integers(-4, 4), 0 if wide[0] else 7) for name, a in sources.items()
    }
    output = Value("y", array.size, kinds[1], 0.31, 0 if wide[1] else -9)
    layer = rearrange("move", arrangement, values, output)
    integers = {name: rng.integers(-100, 101, a.size) for name, a in sources.items()}
    y = np.zeros(array.size, kinds[1])
    for c, source, fill, piece in copies(layer):
        rescale = piece.rescale
        x = np.array([fill], kinds[1]) if source is None else integers[source].astype(kinds[0])
        if piece.table is not None:  # cs_lookup_s8 stands in loops of its own
            x = piece.table[x.astype(int) + 128]
        pointers = (ctypes.c_void_p(x.ctypes.data), ctypes.c_void_p(y.ctypes.data))
        if rescale is None:
            getattr(nn, f"cs_rearrange_s{16 if wide[1] else 8}")(ctypes.byref(c), *pointers)
        else:
            scale = Scale(*(getattr(rescale, name) for name in Scale.names), *wide)
            nn.cs_rearrange_scaled(ctypes.byref(c), ctypes.byref(scale), *pointers)
    layer.step(integers, ())
    np.testing.assert_array_equal(y, integers["y"])


@pytest.mark.parametrize("bits", [8, 16])
@pytest.mark.parametrize(("rows", "frames", "size"), [(16, 11, 33), (1, 1, 5), (3, 2, 1), (4, 5, 8)])
def test_history_keeps_the_last_frames(nn: ctypes.CDLL, bits: int, rows: int, frames: int, size: int) -> None:
    rng, dtype = np.random.default_rng(bits), f"int{bits}"
    layer = History("h", "x", "s", rows, frames, size)
    state = np.zeros(rows * frames * size, dtype)
    values = {"s": state.astype(np.int64)}
    seen = [np.zeros((rows, size), np.int64)] * frames
    for _ in range(frames + 3):
        x = rng.integers(-99, 100, (rows, size)).astype(dtype)
        values["x"] = x.astype(np.int64).reshape(-1)
        seen.append(x.astype(np.int64))
        layer.step(values, ())
        function = getattr(nn, f"cs_history_s{bits}")
        function(ctypes.c_void_p(state.ctypes.data), ctypes.c_void_p(x.ctypes.data), rows, frames, size)
        expected = np.stack(seen[-frames:], axis=1)
        np.testing.assert_array_equal(values["s"].reshape(expected.shape), expected)
        np.testing.assert_array_equal(state.reshape(expected.shape), expected)

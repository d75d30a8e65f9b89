# SPDX-License-Identifier: Apache-2.0
"""runtime/nn, compiled for this machine and called through ctypes, against the reference."""

from __future__ import annotations

import ctypes
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from codesign.base.resources import resource
from codesign.compiler.layers import FullyConnected, Lstm, Requantize, tables
from codesign.compiler.layers.packing import PACKERS, pack_dsp, pack_plain, unpack_dsp, unpack_mve, unpack_plain
from codesign.compiler.layers.tables import lookup16
from integer_layers import fully_connected, integers, lstm
from shared_library import shared_library

pytestmark = pytest.mark.slow  # the file as a whole

BLOCK_ROWS = 64
seeds = st.integers(0, 2**32 - 1)
kinds = st.sampled_from(["random", "extreme", "maximum", "zero"])
quick = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


class Matrix(ctypes.Structure):
    _fields_ = (
        ("kernel", ctypes.c_void_p),
        ("weights", ctypes.c_void_p),
        ("rows", ctypes.c_uint16),
        ("columns", ctypes.c_uint16),
    )


class FullyConnectedLayer(ctypes.Structure):
    _fields_ = (
        ("matrix", Matrix),
        ("bias", ctypes.c_void_p),
        ("multiplier", ctypes.c_void_p),
        ("shift", ctypes.c_void_p),
        ("zero_point", ctypes.c_int32),
        ("low", ctypes.c_int32),
        ("high", ctypes.c_int32),
    )


class LstmLayer(ctypes.Structure):
    _fields_ = (
        ("input", Matrix),
        ("recurrent", Matrix),
        ("bias", ctypes.c_void_p),
        ("input_multiplier", ctypes.c_int32 * 4),
        ("recurrent_multiplier", ctypes.c_int32 * 4),
        ("gate_shift", ctypes.c_uint8 * 4),
        ("cell_fraction", ctypes.c_uint8),
        ("hidden_shift", ctypes.c_uint8),
        ("hidden_zero_point", ctypes.c_int8),
        ("hidden_multiplier", ctypes.c_int32),
    )


@pytest.fixture(scope="module")
def nn(tmp_path_factory: pytest.TempPathFactory) -> ctypes.CDLL:
    return shared_library(resource("runtime", "nn").glob("*.[cS]"), tmp_path_factory.mktemp("nn"))


def pointer(array: np.ndarray) -> int:
    return int(array.ctypes.data)


def matrix(nn: ctypes.CDLL, packed: np.ndarray, shape: tuple[int, ...]) -> Matrix:
    kernel = ctypes.addressof(ctypes.c_char.in_dll(nn, "cs_kernel_plain"))
    return Matrix(kernel, pointer(packed), *shape)


def guarded(size: int) -> np.ndarray:
    return np.full(size + 64, 0x5C, np.uint8)


def prepared_bytes(n: int) -> int:
    return 2 * (-(-n // 4) * 4) + 8


def run_fully_connected(nn: ctypes.CDLL, layer: FullyConnected, x: np.ndarray, bits: int) -> np.ndarray:
    rows, columns = layer.weights.shape
    packed, shift = pack_plain(layer.weights), layer.shift.astype(np.int8)
    arrays = (pointer(layer.bias), pointer(layer.multiplier), pointer(shift))
    c = FullyConnectedLayer(matrix(nn, packed, layer.weights.shape), *arrays, layer.zero_point, layer.low, layer.high)
    y = np.zeros(rows, np.int16 if bits == 16 else np.int8)
    size = prepared_bytes(columns) + 4 * min(-(-rows // 4) * 4, BLOCK_ROWS)
    scratch = guarded(size)
    function = getattr(nn, f"cs_fully_connected_s{bits}")
    function(ctypes.byref(c), *(ctypes.c_void_p(pointer(a)) for a in (x, y, scratch)))
    assert (scratch[size:] == 0x5C).all()
    return y


def run_lstm(nn: ctypes.CDLL, layer: Lstm, x: np.ndarray, hidden: np.ndarray, cell: np.ndarray) -> None:
    packed = pack_plain(layer.input_weights), pack_plain(layer.recurrent_weights)
    c = LstmLayer(
        matrix(nn, packed[0], layer.input_weights.shape),
        matrix(nn, packed[1], layer.recurrent_weights.shape),
        pointer(layer.bias),
        (ctypes.c_int32 * 4)(*layer.input_multiplier.tolist()),
        (ctypes.c_int32 * 4)(*layer.recurrent_multiplier.tolist()),
        (ctypes.c_uint8 * 4)(*layer.gate_shift.tolist()),
        layer.cell_fraction,
        layer.hidden_shift,
        layer.hidden_zero_point,
        layer.hidden_multiplier,
    )
    size = prepared_bytes(layer.inputs) + prepared_bytes(layer.units) + 8 * BLOCK_ROWS
    scratch = guarded(size)
    nn.cs_lstm_step(ctypes.byref(c), *(ctypes.c_void_p(pointer(a)) for a in (x, hidden, cell, scratch)))
    assert (scratch[size:] == 0x5C).all()


@quick
@given(seed=seeds, rows=st.integers(1, 140), columns=st.integers(1, 513), bits=st.sampled_from([8, 16]), kind=kinds)
@example(seed=1, rows=64, columns=512, bits=16, kind="maximum")
@example(seed=2, rows=65, columns=513, bits=8, kind="extreme")
def test_fully_connected(nn: ctypes.CDLL, seed: int, rows: int, columns: int, bits: int, kind: str) -> None:
    rng = np.random.default_rng(seed)
    layer = fully_connected(rng, rows, columns, bits, kind)
    x = integers(rng, (columns,), kind)
    np.testing.assert_array_equal(run_fully_connected(nn, layer, x, bits), layer.apply(x))


@quick
@given(
    seed=seeds,
    inputs=st.integers(1, 150),
    units=st.integers(1, 80),
    fraction=st.integers(8, 15),
    gain=st.sampled_from([18, 24, 26, 30]),
    kind=kinds,
)
def test_lstm(nn: ctypes.CDLL, seed: int, inputs: int, units: int, fraction: int, gain: int, kind: str) -> None:
    rng = np.random.default_rng(seed)
    layer = lstm(rng, inputs, units, fraction, kind, gain)
    hidden, cell = integers(rng, (units,), kind), rng.integers(-32768, 32768, units).astype(np.int16)
    for _ in range(4):
        x = integers(rng, (inputs,), kind)
        expected = layer.apply(x, hidden, cell)
        run_lstm(nn, layer, x, hidden, cell)
        np.testing.assert_array_equal(hidden, expected[0])
        np.testing.assert_array_equal(cell, expected[1])


@pytest.mark.parametrize("table", ["sigmoid", "tanh"])
def test_lookup_s16_over_all_inputs_in_place(nn: ctypes.CDLL, table: str) -> None:
    q = np.arange(-32768, 32768).astype(np.int16)
    y = q.copy()
    words = ctypes.addressof(ctypes.c_char.in_dll(nn, f"cs_{table}_table"))
    nn.cs_lookup_s16(ctypes.c_void_p(words), ctypes.c_void_p(pointer(y)), ctypes.c_void_p(pointer(y)), len(q))
    np.testing.assert_array_equal(y, lookup16(table, q.astype(np.int64)))


def test_lookup_s8_over_all_inputs_in_place(nn: ctypes.CDLL) -> None:
    table = np.random.default_rng(0).integers(-127, 128, 256).astype(np.int8)
    y = np.arange(-128, 128).astype(np.int8)
    nn.cs_lookup_s8(*(ctypes.c_void_p(pointer(a)) for a in (table, y, y)), 256)
    np.testing.assert_array_equal(y, table)


@given(multiplier=st.integers(2**30, 2**31 - 1), shift=st.integers(-30, 14), zero_point=st.integers(-127, 127))
@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_requantize_over_all_inputs(nn: ctypes.CDLL, multiplier: int, shift: int, zero_point: int) -> None:
    q, y = np.arange(-32768, 32768).astype(np.int16), np.zeros(65536, np.int8)
    nn.cs_requantize_s16_s8(multiplier, shift, zero_point, ctypes.c_void_p(pointer(q)), ctypes.c_void_p(pointer(y)), 65536)
    layer = Requantize("r", "x", "y", multiplier, shift, zero_point)
    np.testing.assert_array_equal(y, layer.apply(q.astype(np.int64)))


@given(state=st.integers(-32768, 32767), delta=st.integers(-32768, 32767), logit=st.integers(-32768, 32767))
@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_skip_gate(nn: ctypes.CDLL, state: int, delta: int, logit: int) -> None:
    s, d = ctypes.c_int16(state), ctypes.c_int16(delta)
    assert nn.cs_skip_gate_open(ctypes.byref(s)) == (state >= 16384)
    nn.cs_skip_gate_advance(0, logit, ctypes.byref(s), ctypes.byref(d))
    assert (s.value, d.value) == (max(min(state + delta, 32767), -32768), delta)
    nn.cs_skip_gate_advance(1, logit, ctypes.byref(s), ctypes.byref(d))
    assert s.value == d.value == lookup16("sigmoid", np.array([logit]))[0]


UNPACKERS = {"plain": unpack_plain, "dsp": unpack_dsp, "dual": unpack_dsp, "mve": unpack_mve}


@given(seed=seeds, rows=st.integers(1, 30), columns=st.integers(1, 60), kind=kinds, kernel=st.sampled_from(sorted(PACKERS)))
@settings(max_examples=150, deadline=None)
def test_packings_invert_and_take_their_room(seed: int, rows: int, columns: int, kind: str, kernel: str) -> None:
    weights = integers(np.random.default_rng(seed), (rows, columns), kind)
    packed = PACKERS[kernel](weights)
    sums = 2 if kernel in ("dsp", "dual") else 0
    assert packed.nbytes == -(-rows // 4) * 4 * (-(-columns // 4) * 4 + sums)
    np.testing.assert_array_equal(UNPACKERS[kernel](packed, rows, columns), weights)


def test_dsp_packing_refuses_minus_128() -> None:
    with pytest.raises(ValueError, match="128"):
        pack_dsp(np.full((4, 4), -128, np.int8))


def test_c_tables_are_what_the_generator_writes() -> None:
    assert Path(resource("runtime", "nn", "cs_tables.c")).read_text() == tables.c_source()

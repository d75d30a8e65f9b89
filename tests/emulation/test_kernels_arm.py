"""runtime/nn, built for Cortex-M and run under Unicorn, against the reference: every bit and every saved register."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest
from elftools.elf.elffile import ELFFile

pytest.importorskip("unicorn", reason="unicorn is not installed (pip install codesign[emulator])")
pytest.importorskip("ziglang", reason="ziglang is not installed (pip install codesign[emulator])")

from thumb_call import CPUS, STACK_TOP, ThumbImage, build

from codesign.lower.network import FullyConnected, Lstm
from codesign.plan.packing import pack_dsp, pack_plain
from codesign.reference import network as reference
from integer_layers import fully_connected, integers, lstm

BLOCK_ROWS = 64
CANARY = 0x5C
PACKERS = {"plain": pack_plain, "dsp": pack_dsp}


@pytest.fixture(scope="module", params=sorted(CPUS))
def image(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> ThumbImage:
    return ThumbImage(build(tmp_path_factory.mktemp("nn"), request.param), request.param)


@pytest.fixture(scope="module")
def counting_image(tmp_path_factory: pytest.TempPathFactory) -> ThumbImage:
    made = ThumbImage(build(tmp_path_factory.mktemp("nn"), "cortex_m33+dsp"), "cortex_m33+dsp")
    made.count_instructions()
    return made


def round_up(n: int) -> int:
    return -(-n // 4) * 4


def prepared_bytes(n: int) -> int:
    return 2 * round_up(n)


def matrix(image: ThumbImage, weights: np.ndarray, kernel: str) -> bytes:
    address = image.put(PACKERS[kernel](weights))
    return struct.pack("<IIHH", image.symbols[f"cs_kernel_{kernel}"], address, *weights.shape)


def run_fully_connected(image: ThumbImage, layer: FullyConnected, x: np.ndarray, kernel: str, bits: int) -> np.ndarray:
    image.clear()
    rows, columns = layer.weights.shape
    pointers = (image.put(layer.bias), image.put(layer.multiplier), image.put(layer.shift.astype(np.int8)))
    constants = struct.pack("<IIIiii", *pointers, layer.zero_point, layer.low, layer.high)
    struct_at = image.put(matrix(image, layer.weights, kernel) + constants)
    dtype = np.int16 if bits == 16 else np.int8
    x_at = image.put(x)
    y_at = image.put(np.zeros(rows, dtype))
    scratch_bytes = prepared_bytes(columns) + 4 * min(round_up(rows), BLOCK_ROWS)
    scratch = image.put(bytes([CANARY]) * (scratch_bytes + 64))
    image.call(f"cs_fully_connected_s{bits}", struct_at, x_at, y_at, scratch)
    assert bytes(image.get(scratch + scratch_bytes, np.uint8, 64)) == bytes([CANARY]) * 64
    return image.get(y_at, dtype, rows)


def run_lstm(
    image: ThumbImage, layer: Lstm, x: np.ndarray, hidden: np.ndarray, cell: np.ndarray, kernel: str
) -> tuple[np.ndarray, np.ndarray]:
    image.clear()
    head = matrix(image, layer.input_weights, kernel) + matrix(image, layer.recurrent_weights, kernel)
    words = (*layer.input_multiplier, *layer.recurrent_multiplier)
    tail = (layer.cell_fraction, layer.hidden_shift, layer.hidden_zero_point, layer.hidden_multiplier)
    body = struct.pack("<I8i4BBBbxi", image.put(layer.bias), *words, *layer.gate_shift, *tail)
    struct_at = image.put(head + body)
    x_at, hidden_at, cell_at = image.put(x), image.put(hidden), image.put(cell)
    scratch_bytes = prepared_bytes(layer.inputs) + prepared_bytes(layer.units) + 8 * BLOCK_ROWS
    scratch = image.put(bytes([CANARY]) * (scratch_bytes + 64))
    image.call("cs_lstm_step", struct_at, x_at, hidden_at, cell_at, scratch)
    assert bytes(image.get(scratch + scratch_bytes, np.uint8, 64)) == bytes([CANARY]) * 64
    return image.get(hidden_at, np.int8, layer.units), image.get(cell_at, np.int16, layer.units)


@pytest.mark.parametrize("kernel", ["plain", "dsp"])
@pytest.mark.parametrize("kind", ["random", "extreme", "maximum"])
def test_fully_connected_is_the_reference(image: ThumbImage, kernel: str, kind: str) -> None:
    rng = np.random.default_rng(1)
    shapes = [(int(rng.integers(1, 150)), columns) for columns in (*range(1, 40), 100, 136, 255, 256, 511, 512)]
    for rows, columns in shapes:
        bits = int(rng.choice([8, 16]))
        layer = fully_connected(rng, rows, columns, bits, kind)
        x = integers(rng, (columns,), kind)
        y = run_fully_connected(image, layer, x, kernel, bits)
        np.testing.assert_array_equal(y, reference.fully_connected(layer, x), err_msg=f"{rows}x{columns}")


@pytest.mark.parametrize("kernel", ["plain", "dsp"])
@pytest.mark.parametrize("fraction", [8, 11, 12, 13, 15])
def test_lstm_is_the_reference(image: ThumbImage, kernel: str, fraction: int) -> None:
    rng = np.random.default_rng(fraction)
    shapes = ((1, 1), (3, 5), (33, 17), (96, 40), (20, 97))
    for (inputs, units), kind, gain in zip(
        shapes, ("random", "extreme", "maximum", "random", "random"), (24, 30, 30, 25, 24), strict=True
    ):
        layer = lstm(rng, inputs, units, fraction, kind, gain)
        hidden, cell = integers(rng, (units,), kind), rng.integers(-32768, 32768, units).astype(np.int16)
        for _ in range(3):
            x = integers(rng, (inputs,), kind)
            expected = reference.lstm_step(layer, x, hidden, cell)
            hidden, cell = run_lstm(image, layer, x, hidden, cell, kernel)
            np.testing.assert_array_equal(hidden, expected[0])
            np.testing.assert_array_equal(cell, expected[1])


@pytest.mark.parametrize("table", ["sigmoid", "tanh"])
def test_lookup_over_all_inputs(image: ThumbImage, table: str) -> None:
    image.clear()
    q = np.arange(-32768, 32768).astype(np.int16)
    at = image.put(q)
    image.call("cs_lookup_s16", image.symbols[f"cs_{table}_table"], at, at, len(q))
    np.testing.assert_array_equal(image.get(at, np.int16, len(q)), reference.lookup16(table, q.astype(np.int64)))


def test_without_the_dsp_extension_only_the_plain_kernel_is_there(tmp_path: Path) -> None:
    with build(tmp_path, "cortex_m3", abi="eabi").open("rb") as stream:
        table = ELFFile(stream).get_section_by_name(".symtab")
        names = {symbol.name for symbol in table.iter_symbols()}
    assert "cs_kernel_plain" in names
    assert not {"cs_kernel_dsp", "cs_matvec_dsp"} & names


def test_stack_use_is_what_the_symbol_declares(image: ThumbImage) -> None:
    declared = image.symbols["cs_matvec_dsp.stack_bytes"]
    image.clear()
    below = STACK_TOP - 256
    image.engine.mem_write(below, bytes([CANARY]) * 256)
    weights, x, acc = (image.put(bytes(64)) for _ in range(3))
    image.call("cs_matvec_dsp", weights, x, 4, 4, acc)
    untouched = bytes(image.get(below, np.uint8, 256))
    argument = 8  # one word, the stack aligned to 8
    assert untouched[: 256 - argument - declared] == bytes([CANARY]) * (256 - argument - declared)
    assert untouched[256 - argument - declared : 256 - argument].count(CANARY) < declared


@pytest.mark.parametrize(("inputs", "units", "limit"), [(96, 112, 1.12), (128, 136, 1.12), (256, 256, 1.00)])
def test_lstm_instructions_per_mac(counting_image: ThumbImage, inputs: int, units: int, limit: float) -> None:
    assert lstm_cost(counting_image, inputs, units) <= limit


def lstm_cost(image: ThumbImage, inputs: int, units: int) -> float:
    """Executed instructions of one step per multiply-accumulate."""
    rng = np.random.default_rng(0)
    layer = lstm(rng, inputs, units)
    run_lstm(image, layer, integers(rng, (inputs,)), integers(rng, (units,)), np.zeros(units, np.int16), "dsp")
    return image.instructions / (4 * units * (inputs + units))


def fully_connected_cost(image: ThumbImage, columns: int, rows: int, bits: int = 16) -> float:
    """Executed instructions per multiply-accumulate."""
    rng = np.random.default_rng(0)
    run_fully_connected(image, fully_connected(rng, rows, columns, bits), integers(rng, (columns,)), "dsp", bits)
    return image.instructions / (rows * columns)

# SPDX-License-Identifier: Apache-2.0
"""Layers of many kinds and shapes with random and extreme inputs, for tests of their C."""

from __future__ import annotations

import dataclasses
from dataclasses import replace

import numpy as np

from codesign.compiler.layers import FullyConnected, Layer, StackedConv2d, Value
from codesign.compiler.layers.binary import Operation
from codesign.compiler.layers.recurrent import Scan
from codesign.compiler.layers.tables import Table
from codesign.compiler.layers.value import Dtype
from codesign.compiler.lower.binary import Side, binary_of, constant_side, rounded_once
from codesign.compiler.lower.gru import gru_of
from codesign.compiler.lower.recurrent import lstm_of, rnn_of
from codesign.compiler.lower.reductions import magnitude_of, mean_of, normalize_of
from codesign.compiler.lower.rows import Rows
from codesign.compiler.lower.unary import rescale_of, slopes_of, tflite_curve_of, unary_of
from codesign.compiler.lower.wide_linear import fully_connected_of
from convolutions import with_constants
from float_block_cases import float_block_cases
from integer_layers import integers
from layer_images import Case

TABLES: tuple[Table, ...] = ("sigmoid", "tanh")
KINDS = ("random", "extreme", "maximum", "zero")


def of_type(rng: np.random.Generator, size: int, dtype: str, kind: str = "random") -> np.ndarray:
    """Integers of the type in its symmetric range."""
    full = 127 if dtype == "int8" else 32767
    match kind:
        case "extreme":
            return (full * rng.choice([-1, 1], size)).astype(dtype)
        case "maximum":
            return np.full(size, full, dtype)
        case "zero":
            return np.zeros(size, dtype)
        case _:
            return rng.integers(-full, full + 1, size).astype(dtype)


def value(name: str, size: int, dtype: str, scale: float = 2.0**-7, zero_point: int = 0) -> Value:
    return Value(name, size, "int8" if dtype == "int8" else "int16", scale, zero_point)


def fully_connected_cases(rng: np.random.Generator) -> list[Case]:
    """int8 and int16 in and out, one and several positions, all kinds of data, rows that end anywhere."""
    cases = []
    shapes = ((1, 1, 1), (3, 5, 2), (4, 8, 1), (17, 31, 3), (64, 64, 1), (65, 100, 1), (130, 256, 1), (66, 15, 4), (5, 512, 1))
    for i, (rows, columns, positions) in enumerate(shapes):
        for source, output in (("int16", "int16"), ("int16", "int8"), ("int8", "int8" if i % 2 else "int16")):
            kind = KINDS[i % 3]
            high = 127 if output == "int8" else 32767
            layer = FullyConnected(
                name=f"fc_{len(cases)}",
                source="x",
                output="y",
                weights=integers(rng, (rows, columns), kind),
                bias=rng.integers(-(2**20), 2**20, rows).astype(np.int32),
                multiplier=rng.integers(2**30, 2**31, rows).astype(np.int32),
                shift=rng.integers(-30, -4 if source == "int16" else 3, rows).astype(np.int32),
                zero_point=0 if output == "int16" else int(rng.integers(-127, 128)),
                low=int(rng.integers(-high, 0)) if i % 2 else -high,
                high=high,
                positions=positions,
                wide=source == "int16",
            )
            values = {"x": value("x", positions * columns, source), "y": value("y", positions * rows, output)}
            inputs = [{"x": of_type(rng, positions * columns, source, k)} for k in (kind, "random", "extreme")]
            cases.append(Case(layer, values, inputs))
    return cases


MODES = ((1, ""), (3, ""), (4, "forward"), (3, "reverse"))
GRU_SHAPES = ((1, 1), (5, 3), (9, 17), (33, 16), (20, 40))


def gru_cases(rng: np.random.Generator) -> list[Case]:
    """Both places of the reset gate, all types and modes; zero points of all sorts, gains from small to saturating."""
    cases = []
    for i, (inputs, units) in enumerate(GRU_SHAPES):
        for j, (x_type, h_type) in enumerate((("int8", "int8"), ("int16", "int16"), ("int8", "int16"))):
            for reset_after in (False, True):
                positions, scan = MODES[(i + j + reset_after) % 4]
                zero_points = [int(rng.integers(-127, 128)) if t == "int8" else 0 for t in (x_type, h_type)]
                x = value("x", positions * inputs, x_type, 2.0**-6 if x_type == "int8" else 2.0**-13, zero_points[0])
                h = value("h", positions * units, h_type, 2.0**-7 if h_type == "int8" else 2.0**-15, zero_points[1])
                gain = (0.3, 3.0)[i % 2]
                rows = [Rows.of(rng.normal(0, gain, (3 * units, n)), groups=3) for n in (inputs, units)]
                biases = [rng.normal(0, 1, 3 * units) for _ in range(2)]
                name = f"gru_{len(cases)}"
                layer = gru_of(name, x, h, *rows, *biases, reset_after=reset_after, positions=positions, scan=scan)
                inputs_of = [{"x": of_type(rng, x.size, x_type, kind)} for kind in ("random", "extreme", "maximum")]
                if not scan:
                    inputs_of = [{**at, "h": of_type(rng, h.size, h_type, k)} for at, k in zip(inputs_of, KINDS, strict=False)]
                cases.append(Case(layer, {"x": x, "h": h}, inputs_of))
    return cases


SMALL_GRUS: tuple[tuple[int, int, int, Scan], ...] = (
    (8, 4, 33, "forward"),
    (8, 4, 18, "reverse"),
    (8, 8, 17, ""),
    (8, 16, 1, ""),
    (16, 12, 5, "reverse"),
    (4, 16, 2, ""),
    (12, 4, 1, "forward"),
)


def small_gru_cases(rng: np.random.Generator) -> list[Case]:
    """GRUs of few int16 units over positions: counts that fill the kernel's blocks and that do not."""
    cases = []
    for i, (inputs, units, positions, scan) in enumerate(SMALL_GRUS):
        x = value("x", positions * inputs, "int16", 2.0**-13)
        h = value("h", positions * units, "int16", (1.1, 0.4)[i % 2] * 2.0**-15)
        rows = [Rows.of(rng.normal(0, (0.3, 3.0)[i % 2], (3 * units, n)), groups=3) for n in (inputs, units)]
        biases = [rng.normal(0, 1, 3 * units) for _ in range(2)]
        layer = gru_of(f"small_gru_{i}", x, h, *rows, *biases, reset_after=True, positions=positions, scan=scan)
        if i % 3 == 1:  # a slice of a larger value; from an odd element on where i = 4
            stride, offset = inputs + 4, 3 if i == 4 else 2
            layer = replace(layer, source_stride=stride, source_offset=offset)
            x = value("x", positions * stride + offset, "int16", x.scale)
        read = (x,) if scan else (x, h)
        inputs_of = [{v.name: of_type(rng, v.size, "int16", kind) for v in read} for kind in ("random", "extreme", "maximum")]
        cases.append(Case(layer, {"x": x, "h": h}, inputs_of))
    return cases


def position_cases(rng: np.random.Generator) -> list[Case]:
    """Fully connected layers over positions: few columns, and weights that are mostly zeros."""
    cases = []
    for i, (rows, columns, positions) in enumerate(((16, 16, 33), (6, 4, 2), (2, 12, 5), (8, 8, 3), (64, 192, 3), (21, 40, 2))):
        weights = rng.integers(-127, 128, (rows, columns)).astype(np.int8)
        if columns > 16:  # bands, one of them empty
            middle = np.arange(rows)[:, None] * columns / rows
            weights[np.abs(np.arange(columns) - middle) > 1 + columns / 30] = 0
            weights[rows // 3] = 0
        if rows == 21:  # four that stand in one vector
            weights[8:12] = 0
        layer = FullyConnected(
            name=f"positions_{i}",
            source="x",
            output="y",
            weights=weights,
            bias=rng.integers(-(2**20), 2**20, rows).astype(np.int32),
            multiplier=rng.integers(2**30, 2**31, rows).astype(np.int32),
            shift=rng.integers(-9, -4, rows).astype(np.int32),
            zero_point=0,
            low=-32767,
            high=32767,
            positions=positions,
            wide=True,
        )
        values = {"x": value("x", positions * columns, "int16"), "y": value("y", positions * rows, "int16")}
        inputs = [{"x": of_type(rng, positions * columns, "int16", kind)} for kind in ("random", "extreme", "maximum")]
        cases.append(Case(layer, values, inputs))
    return cases


def other_recurrent_cases(rng: np.random.Generator) -> list[Case]:
    """LSTMs and simple RNNs in all types and modes."""
    cases = []
    for i, (inputs, units) in enumerate(GRU_SHAPES):
        for j, (x_type, h_type) in enumerate((("int8", "int8"), ("int16", "int16"), ("int8", "int16"))):
            for kind in ("lstm", "tanh", "relu"):
                positions, scan = MODES[len(cases) % 4]
                zero_points = [int(rng.integers(-127, 128)) if t == "int8" else 0 for t in (x_type, h_type)]
                x = value("x", positions * inputs, x_type, 2.0**-6 if x_type == "int8" else 2.0**-13, zero_points[0])
                scale = (2.0**-7 if h_type == "int8" else 2.0**-15) * (16 if kind == "relu" else 1)
                h = value("h", positions * units, h_type, scale, zero_points[1])
                gates, gain, name = 4 if kind == "lstm" else 1, (0.3, 2.0)[i % 2], f"{kind}_{len(cases)}"
                rows = [Rows.of(rng.normal(0, gain, (gates * units, n)), groups=gates) for n in (inputs, units)]
                bias, c = rng.normal(0, 1, gates * units), value("c", positions * units, "int16", 2.0**-11)
                layer = (
                    lstm_of(name, x, h, "c", 8 + j + i, *rows, bias, positions=positions, scan=scan)
                    if kind == "lstm"
                    else rnn_of(name, x, h, *rows, bias, relu=kind == "relu", positions=positions, scan=scan)
                )
                values = {"x": x, "h": h} if scan or kind != "lstm" else {"x": x, "h": h, "c": c}
                read = [v for v in values.values() if v.name == "x" or not scan]
                inputs_of = [{v.name: of_type(rng, v.size, v.dtype, k) for v in read} for k in ("random", "extreme", "maximum")]
                cases.append(Case(layer, values, inputs_of))
    return cases


BINARY_SHAPES = (
    ((6,), (6,)),
    ((3, 5), (3, 1)),
    ((4, 7), ()),
    ((2, 3, 4), (3, 1)),
    ((1, 5), (4, 1)),
    ((2, 1, 3, 1), (1, 4, 3, 5)),
)


def binary_cases(rng: np.random.Generator) -> list[Case]:
    """All operations and types, broadcasting of either side, constants of either side, results that saturate."""
    cases = []
    operations: tuple[Operation, ...] = ("add", "subtract", "multiply", "minimum", "maximum")
    dtypes: tuple[tuple[Dtype, Dtype, Dtype], ...] = (
        ("int8", "int8", "int8"),
        ("int16", "int16", "int16"),
        ("int8", "int16", "int16"),
        ("int16", "int16", "int8"),
    )
    for i, operation in enumerate(operations):
        for j, shapes in enumerate(BINARY_SHAPES):
            types = dtypes[(i + j) % 4]
            sides = []
            for side, shape, dtype in zip("ab", shapes if j % 2 else shapes[::-1], types, strict=False):
                zero = int(rng.integers(-127, 128)) if dtype == "int8" else 0
                scale = float(rng.uniform(0.5, 4)) * (2.0**-7 if dtype == "int8" else 2.0**-15)
                sides.append(Side(value(side, int(np.prod(shape)), dtype, scale, zero), shape))
            if j == 2:
                sides[i % 2] = constant_side(rng.normal(0, 1, sides[i % 2].shape), types[i % 2])
            size = int(np.prod(np.broadcast_shapes(*shapes)))
            y = value("y", size, types[2], 2.0**-6 if types[2] == "int8" else 2.0**-14, -9 if types[2] == "int8" else 0)
            layer = binary_of(f"binary_{len(cases)}", operation, sides[0], sides[1], y, low=-1.0 if j % 2 else -1e9)
            read = [side.value for side in sides if side.constant is None]
            inputs = [{v.name: of_type(rng, v.size, v.dtype, kind) for v in read} for kind in ("random", "extreme", "maximum")]
            cases.append(Case(layer, {v.name: v for v in (*read, y)}, inputs))
    return cases


def binary16_cases(rng: np.random.Generator) -> list[Case]:
    """Sums, differences and products of int16 rounded once: all ways of broadcasting, runs of any length, constants."""
    cases = []
    operations: tuple[Operation, ...] = ("add", "subtract", "multiply")
    for operation in operations:
        for j, shapes in enumerate((*BINARY_SHAPES, ((3, 1, 33), (3, 1, 1)), ((1,), (19,)), ((2, 37), (2, 37)))):
            sides = [
                Side(value(name, int(np.prod(shape)), "int16", float(rng.uniform(0.5, 4)) * 2.0**-15), shape)
                for name, shape in zip("ab", shapes if j % 2 else shapes[::-1], strict=True)
            ]
            if j in (2, 6):
                sides[1] = constant_side(rng.normal(0, 1, sides[1].shape), "int16")
            size = int(np.prod(np.broadcast_shapes(*shapes)))
            y = value("y", size, "int16", 2.0 ** -((20 if operation == "multiply" and j == 7 else 13) + j % 4))
            layer = rounded_once(f"binary16_{len(cases)}", operation, sides[0], sides[1], y)
            assert layer is not None
            read = [side.value for side in sides if side.constant is None]
            inputs = [{v.name: of_type(rng, v.size, v.dtype, kind) for v in read} for kind in ("random", "extreme", "maximum")]
            cases.append(Case(layer, {v.name: v for v in (*read, y)}, inputs))
    return cases


def unary_cases(rng: np.random.Generator) -> list[Case]:
    """Tables, rescaling, slopes and TFLite's curves, on the ends of the types as well."""
    made: list[tuple[Layer, Value, Value]] = []
    pairs: tuple[tuple[Dtype, Dtype], ...] = (("int8", "int8"), ("int16", "int16"), ("int8", "int16"), ("int16", "int8"))
    for i, types in enumerate(pairs):
        size, zeros = 42 + 6 * i, [z if dtype == "int8" else 0 for dtype, z in zip(types, (5, -7), strict=True)]
        x, y = (
            value(name, size, dtype, float(rng.uniform(1, 3)) * (2.0**-6 if dtype == "int8" else 2.0**-14), z)
            for name, dtype, z in zip("xy", types, zeros, strict=True)
        )
        made.append((rescale_of(f"rescale_{i}", x, y), x, y))
        made.append((rescale_of(f"relu_{i}", x, y, low=0.0), x, y))
        slopes = rng.integers(-100, 101, 3).astype(np.int16)
        made.append((slopes_of(f"slopes_{i}", x, y, slopes, -0.005, inner=2), x, y))
        if types[0] == types[1]:
            made.append((unary_of(f"table_{i}", np.exp, x, y), x, y))
    for j, (scale, inner) in enumerate(((2.0**-14, 1), (2.0**-15, 5), (2.0**-17, 14))):  # rows of vectors; results beyond int16
        x, y = value("x", 210, "int16", 2.0**-15), value("y", 210, "int16", scale)
        slopes = rng.integers(-32767, 32768, 3).astype(np.int16)
        made.append((slopes_of(f"slopes_of_rows_{j}", x, y, slopes, 2.0**-14, inner=inner), x, y))
    for j, scale in enumerate((2.0**-12, 0.0009)):
        x, y = value("x", 2000, "int16", scale), value("y", 2000, "int16", 2.0**-15)
        made += [(tflite_curve_of(f"{table}_{j}", table, x, y), x, y) for table in TABLES]
    cases = []
    for layer, x, y in made:
        cases.append(Case(layer, {"x": x, "y": y}, [{"x": of_type(rng, x.size, x.dtype, kind)} for kind in KINDS]))
    return cases


def reduction_cases(rng: np.random.Generator) -> list[Case]:
    """Means over axes anywhere, magnitudes, normalizations of 1 to 4096; constant rows, epsilon 0."""
    cases = []
    axes = ((0,), (1, 2), (2,), (0, 1, 2))
    for i, (dtype, to) in enumerate((("int8", "int16"), ("int16", "int16"), ("int16", "int8"), ("int8", "int8"))):
        dtypes: tuple[Dtype, Dtype] = ("int8" if dtype == "int8" else "int16", "int8" if to == "int8" else "int16")
        x = value("x", 3 * 5 * 7, dtypes[0], 2.0**-7 if dtype == "int8" else 2.0**-15, 5 if dtype == "int8" else 0)
        for squares in (False, True):
            size = (35, 3, 15, 1)[i]
            y = value("y", size, dtypes[1], 2.0**-7 if to == "int8" else 2.0**-15, -4 if to == "int8" else 0)
            made = mean_of(f"mean_{len(cases)}", x, (3, 5, 7), axes[i], y, squares=squares)
            cases.append(Case(made, {"x": x, "y": y}, [{"x": of_type(rng, x.size, dtype, kind)} for kind in KINDS]))
        for n, epsilon in ((1, 1e-5), (21, 0.0), (105, 1e-3)):
            y = value("y", x.size, dtypes[1], 2.0**-4 if to == "int8" else 2.0**-12, -4 if to == "int8" else 0)
            norm = normalize_of(f"norm_{len(cases)}", x, y, rng.normal(0, 1, n), rng.normal(0, 1, n), epsilon)
            inputs = [{"x": of_type(rng, x.size, dtype, kind)} for kind in KINDS]
            cases.append(Case(norm, {"x": x, "y": y}, [*inputs, {"x": (np.arange(x.size) == 7).astype(dtype)}]))
    for axis, squares in np.ndindex(3, 2):  # rows and columns
        x, y = value("x", 3 * 18 * 5, "int16", 2.0**-15), value("y", 270 // (3, 18, 5)[axis], "int16", 2.0**-16)
        made = mean_of(f"mean_{len(cases)}", x, (3, 18, 5), (axis,), y, squares=bool(squares))
        cases.append(Case(made, {"x": x, "y": y}, [{"x": of_type(rng, x.size, "int16", kind)} for kind in KINDS]))
    x, y = value("x", 4096, "int16", 2.0**-15), value("y", 4096, "int16", 2.0**-9)
    norm = normalize_of("norm_4096", x, y, rng.normal(0, 1, 4096), rng.normal(0, 1, 4096), 1e-12)
    one = np.where(np.arange(4096) == 9, 32767, -32767).astype(np.int16)
    soft = rng.integers(-3, 4, 4096).astype(np.int16)
    inputs = [{"x": of_type(rng, 4096, "int16", kind)} for kind in KINDS]
    cases.append(Case(norm, {"x": x, "y": y}, [{"x": one}, {"x": soft}, *inputs]))
    re, im = value("re", 300, "int16", 2.0**-15), value("im", 300, "int16", 2.0**-15)
    for i, scale in enumerate((2.0**-14, 2.0**-23, 2.0**-10)):
        y = value("y", 300, "int16", scale)
        parts = [{"re": of_type(rng, 300, "int16", kind), "im": of_type(rng, 300, "int16")} for kind in KINDS]
        small = {"re": rng.integers(-3, 4, 300).astype(np.int16), "im": rng.integers(-3, 4, 300).astype(np.int16)}
        cases.append(Case(magnitude_of(f"magnitude_{i}", re, im, y), {"re": re, "im": im, "y": y}, [*parts, small]))
    return cases


def depthwise_cases(rng: np.random.Generator) -> list[Case]:
    """Depthwise kernels of three by three taps, which some cores compute from words of weights and constants."""
    cases = []
    for i, (channels, size, dilation) in enumerate(((3, 5, 1), (4, 10, 2), (2, 33, 5))):
        frames = 2 * dilation + 1
        geometry = {"dilation": (dilation, 1), "padding": ((0, 0), (1, 1)), "groups": channels}
        some = with_constants(
            rng, integers(rng, (channels, 1, 3, 3), "random"), (channels, frames, size), **geometry, prelu=i != 1
        )
        layer = replace(some, shift=rng.integers(-14, -1, channels).astype(np.int32), low=-32767, high=32767, twice=False)
        x, y = value("x", channels * frames * size, "int16"), value("y", channels * size, "int16")
        cases.append(Case(layer, {"x": x, "y": y}, [{"x": of_type(rng, x.size, "int16", kind)} for kind in KINDS]))
    return cases


def convolution_cases(rng: np.random.Generator) -> list[Case]:
    """Neighbouring taps along frequency, which cores with vectors compute from runs of a staged source."""
    cases = []
    for weights, shape, stride, groups, transposed in (
        ((6, 3, 2, 5), (6, 3, 13), 2, 2, False),
        ((5, 8, 1, 1), (8, 1, 9), 1, 1, False),
        ((4, 4, 1, 5), (8, 1, 7), 2, 2, True),
    ):
        padding = ((weights[2] - 1, 0), (weights[3] // 2, weights[3] // 2))
        geometry = {"padding": padding, "groups": groups, "transposed": transposed, "prelu": stride == 2}
        some = with_constants(rng, integers(rng, weights, "random"), shape, (1, stride), **geometry)
        negative = None if some.negative is None else np.minimum(some.negative, some.multiplier)
        shift = rng.integers(-14, -1, weights[0]).astype(np.int32)
        layer = replace(some, shift=shift, negative=negative, low=-32767, high=32767, twice=False)
        x, y = value("x", int(np.prod(shape)), "int16"), value("y", int(np.prod(layer.result_shape)), "int16")
        cases.append(Case(layer, {"x": x, "y": y}, [{"x": of_type(rng, x.size, "int16", kind)} for kind in KINDS]))
    return cases


def stacked_cases(rng: np.random.Generator) -> list[Case]:
    """Kernels along frequency over channels that are neighbours of fewer ones: one to three vectors of summed weights."""
    cases = []
    for outputs, channels, groups, size, (neighbours, before), taps, stride, padding in (
        (5, 3, 1, 13, (3, 1), 5, 2, (2, 2)),
        (16, 3, 1, 129, (3, 1), 5, 2, (2, 2)),
        (6, 4, 2, 10, (3, 1), 3, 1, (1, 1)),
        (4, 1, 1, 7, (3, 2), 3, 1, (1, 0)),
        (6, 6, 3, 9, (2, 0), 4, 3, (0, 2)),
    ):
        weights = integers(rng, (outputs, channels // groups * neighbours, 1, taps), "random")
        shape = (channels * neighbours, 1, size)
        some = with_constants(rng, weights, shape, (1, stride), padding=((0, 0), padding), groups=groups, prelu=stride == 2)
        fields = {f.name: getattr(some, f.name) for f in dataclasses.fields(some)}
        fields["negative"] = None if some.negative is None else np.minimum(some.negative, some.multiplier)
        fields |= {"shift": rng.integers(-14, -1, outputs).astype(np.int32), "low": -32767, "high": 32767, "twice": False}
        layer = StackedConv2d(**fields | {"name": f"stacked_{len(cases)}"}, neighbours=neighbours, before=before)
        x, y = value("x", layer.source_size, "int16"), value("y", int(np.prod(layer.result_shape)), "int16")
        cases.append(Case(layer, {"x": x, "y": y}, [{"x": of_type(rng, x.size, "int16", kind)} for kind in KINDS]))
    return cases


def all_cases() -> list[Case]:
    rng = np.random.default_rng(2)
    makers = (
        *(fully_connected_cases, gru_cases, other_recurrent_cases, binary_cases, binary16_cases),
        *(unary_cases, reduction_cases, small_gru_cases, position_cases, depthwise_cases, convolution_cases),
        float_block_cases,
        stacked_cases,
    )
    return [case for make in makers for case in make(rng)]


def wide_256() -> list[Case]:
    """Layers of 256 by 256, whose instructions are counted."""
    rng = np.random.default_rng(0)
    source, output = value("x", 256, "int16", 2.0**-15), value("y", 256, "int16", 2.0**-12)
    rows = Rows.of(rng.normal(0, 0.1, (256, 256)))
    layer = fully_connected_of("fc_wide", source, output, rows, rng.normal(0, 0.1, 256))
    cases = [Case(layer, {"x": source, "y": output}, [{"x": of_type(rng, 256, "int16")}])]
    for name, dtype, scale in (("gru", "int8", 2.0**-7), ("gru_wide", "int16", 2.0**-15)):
        x, h = value("x", 256, dtype, scale), value("h", 256, dtype, scale)
        weights = [Rows.of(rng.normal(0, 0.1, (768, 256)), groups=3) for _ in range(2)]
        gru = gru_of(name, x, h, *weights, *rng.normal(0, 0.1, (2, 768)), reset_after=True)
        cases.append(Case(gru, {"x": x, "h": h}, [{"x": of_type(rng, 256, dtype), "h": of_type(rng, 256, dtype)}]))
    h, c = value("h", 256, "int16", 2.0**-15), value("c", 256, "int16", 2.0**-11)
    weights = [Rows.of(rng.normal(0, 0.1, (1024, 256)), groups=4) for _ in range(2)]
    lstm = lstm_of("lstm_wide", source, h, "c", 11, *weights, rng.normal(0, 0.1, 1024))
    inputs = {v.name: of_type(rng, 256, "int16") for v in (source, h, c)}
    return [*cases, Case(lstm, {"x": source, "h": h, "c": c}, [inputs])]

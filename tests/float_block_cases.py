# SPDX-License-Identifier: Apache-2.0
"""A block of steps in float32 with inputs that find out its corners."""

from __future__ import annotations

import numpy as np

from codesign.compiler.layers import Value
from codesign.compiler.layers.arrangement import concatenate
from codesign.compiler.layers.float_block import FloatBlock
from codesign.compiler.layers.float_program import placed
from codesign.compiler.lower.float_block import FloatSteps
from codesign.compiler.operators.float_functions import function_steps
from layer_images import Case


def float_block_cases(rng: np.random.Generator) -> list[Case]:
    """Every step in float32, over all that float32 holds and what is no number, to int8 and int16; and from integers. Of two
    states one becomes what the other was.
    """
    n = 37
    x, y = Value("x", (2, n), "float32", 1.0), Value("narrow", 3 * n, "int8", 2.0**-4, -7)
    wide = Value("wide", 3 * n, "int16", 2.0**-8)
    source = Value("q", n, "int16", 2.0**-12)
    mean, before = Value("mean", (1, n), "float32", 1.0), Value("before", (1, n), "float32", 1.0)
    steps = FloatSteps()
    for value in (x, source, mean, before):
        steps.start(value.name, value)
    one = steps.arrangement("x").slice(0, 0, 1)
    steps.arrange("op", "re", one)
    steps.arrange("op", "im", steps.arrangement("x").slice(0, 1, 1).slice(1, n - 1, n, -1))
    shape = (1, n)
    re, im = steps.vector("re"), steps.vector("im")
    steps.pair("magnitude", "magnitude", re, im, shape, 1e-12)
    function_steps(steps, "log", (), steps.vector("magnitude"), "log", shape)
    function_steps(steps, "pow", (0.3,), re, "power", shape)
    function_steps(steps, "pow", (-0.7,), im, "inverse", shape)
    function_steps(steps, "sqrt", (), im, "root", shape)
    function_steps(steps, "reciprocal", (), re, "reciprocal", shape)
    function_steps(steps, "clip", (-2.0, 3.0), im, "clip", shape)
    function_steps(steps, "abs", (), re, "abs", shape)
    steps.pair("sum", "add", steps.vector("log"), steps.vector("clip"), shape)
    steps.pair("difference", "subtract", steps.vector("sum"), steps.numbers(rng.normal(size=n), shape), shape)
    steps.pair("product", "multiply", steps.vector("inverse"), steps.vector("q"), shape)
    steps.pair("phase", "phase", im, re, shape)
    steps.pair("least", "minimum", steps.vector("root"), steps.vector("reciprocal"), shape)
    steps.bands("bands", steps.vector("abs"), np.abs(rng.normal(size=(n, n))) * (rng.random((n, n)) < 0.1), shape)
    for name, parts in (("three", ("difference", "product", "bands")), ("two", ("least", "power", "phase"))):
        steps.arrange("op", name, concatenate([steps.arrangement(part) for part in parts], 0).reshape((len(parts) * n,)))
    steps.pair("slow", "multiply", steps.vector("mean"), steps.numbers(np.array([0.9]), shape), shape)
    steps.pair("slow", "add", steps.vector("slow"), re, shape)
    held = steps.vector("mean"), steps.vector("before")
    results = (steps.vector("three"), steps.vector("two"), steps.vector("slow"), steps.own("mean", held))
    vectors, floats = placed(steps.vectors, steps.steps, [1], results)
    values = (x, source, mean, before)
    layer = FloatBlock("floats", values, (wide, y, mean, before), results, vectors, tuple(steps.steps), floats)
    inputs = []
    for bits in (
        rng.integers(0, 2**32, 2 * n),
        rng.normal(0, 3, 2 * n).astype(np.float32).view(np.uint32),
        np.zeros(2 * n, int),
    ):
        given = {"x": bits.astype(np.uint32).view(np.int32), "q": rng.integers(-32767, 32768, n).astype(np.int16)}
        states = {name: rng.normal(0, 3, n).astype(np.float32).view(np.int32) for name in ("mean", "before")}
        inputs.append({**given, **states})
    return [Case(layer, {value.name: value for value in (*values, wide, y)}, inputs)]

# SPDX-License-Identifier: Apache-2.0
"""Every operator answers every verb, and one that nobody knew before goes from a file to firmware unchanged."""

from __future__ import annotations

import dataclasses
import importlib
import inspect
import pkgutil
from collections.abc import Mapping

import numpy as np
import onnx
import pytest
from test_states import ended, masks_of_onnxruntime, saved, start

from codesign.base.errors import InputError
from codesign.compiler import operators
from codesign.compiler.layers._template import Negate
from codesign.compiler.layers.arrangement import Arrangement
from codesign.compiler.lower import lower
from codesign.compiler.lower.arrangement import rearrange
from codesign.compiler.model import load_onnx
from codesign.compiler.model.graph import Graph
from codesign.compiler.model.ops import OPERATORS
from codesign.compiler.operators import Activation, Concat, Linear, LstmCell, Operator, SkipGate, Slice
from codesign.compiler.operators.functions import FUNCTIONS
from codesign.compiler.quantize import compare, quantize_graph, write_qdq
from codesign.compiler.quantize.float_run import float_run
from codesign.firmware.boards import load_board
from codesign.firmware.machines import MACHINES
from codesign.firmware.toolchain import build_bare, build_host
from codesign.proof.equality import equal, run_reference
from codesign.proof.oracle import against_onnxruntime
from models import Net

pytestmark = pytest.mark.slow  # the file as a whole

for module in pkgutil.iter_modules(operators.__path__):
    importlib.import_module(f"{operators.__name__}.{module.name}")

N = 8
VERBS = sorted(name for name, member in vars(Operator).items() if not name.startswith("_"))
MUST_ANSWER = sorted(name for name in VERBS if getattr(vars(Operator)[name], "__isabstractmethod__", False))


def kinds() -> list[type[Operator]]:
    found, waiting = [], [Operator]
    while waiting:
        below = waiting.pop().__subclasses__()
        waiting += below
        found += [kind for kind in below if kind.__module__.startswith(operators.__name__) and not kind.__subclasses__()]
    return sorted(set(found), key=str)


@pytest.mark.parametrize("kind", kinds(), ids=lambda kind: kind.__name__)
def test_an_operator_answers_every_verb(kind):
    assert not inspect.isabstract(kind), f"{kind.__name__} lacks {sorted(kind.__abstractmethods__)}"
    assert dataclasses.is_dataclass(kind)
    assert dataclasses.fields(kind)[0].name == "name"
    assert kind in vars(operators).values(), "the room's __init__ names all of them"


def test_a_forgotten_verb_is_an_error_that_names_it():
    class Forgetful(Operator):
        pass

    with pytest.raises(TypeError, match="wired"):
        Forgetful("x")
    assert {"sources", "outputs", "shapes", "run", "scales", "quantized", "write", "lower", "bounds"} <= set(MUST_ANSWER)
    assert {Activation, Concat, Linear, LstmCell, SkipGate, Slice} <= set(kinds())


@pytest.mark.parametrize("kind", kinds(), ids=lambda kind: kind.__name__)
def test_training_knows_each_kind_or_refuses_it_by_name(kind):
    from codesign.learning.operators import KINDS, trained

    if kind in KINDS:
        assert KINDS[kind].family in ("lstm", "fc", "skip", "")
        return
    op = object.__new__(kind)
    for field in dataclasses.fields(kind):  # a label may say what of several kinds it is
        object.__setattr__(op, field.name, "some layer")
    with pytest.raises(InputError, match=f"some layer: networks with the operator {op.label} are not trained"):
        trained(op)


def test_shapes_are_checked_when_a_graph_is_made(tmp_path):
    graph = load_onnx(saved(ended(start(), "features", N), tmp_path))
    assert graph.shapes == {"features": (N,), "head": (N,), "mask": (N,)}
    with pytest.raises(InputError, match="weights for 8 inputs meet 'features' of 9"):
        dataclasses.replace(graph, shapes={"features": (9,)})
    with pytest.raises(InputError, match="'head' is not computed by an operator before it"):
        dataclasses.replace(graph, ops=graph.ops[::-1])
    with pytest.raises(InputError, match=r"value 'mask' has shape \[8\], not \[2, 4\]"):
        dataclasses.replace(graph, shapes={"features": (N,), "mask": (2, 4)})


def whole_way(net: Net, tmp_path, emulated: bool = False) -> tuple[Graph, np.ndarray]:
    """A float network as onnxruntime computes it; its int8 file layer by layer; its firmware bit for bit."""
    path = saved(net, tmp_path)
    graph = load_onnx(path)
    features = np.random.default_rng(1).uniform(0, 3, (60, N)).astype(np.float32)
    ours = float_run(graph, features).values[graph.output]
    np.testing.assert_allclose(ours, masks_of_onnxruntime(path, graph, features), atol=5e-6)
    quantized = quantize_graph(graph, [features])
    write_qdq(quantized, tmp_path / "int8.onnx")
    again = load_onnx(tmp_path / "int8.onnx")
    network = lower(again)
    assert compare(graph, quantized, lower(quantized), [features])
    quant = quantized.quants[graph.input]
    integers = np.clip(np.rint(features / quant.scale) + quant.zero_point, -127, 127).astype(np.int8)
    check = against_onnxruntime(tmp_path / "int8.onnx", again, network, integers)
    assert check.ok, check.detail
    pcm = np.random.default_rng(3).integers(-(2**14), 2**14, 40 * network.frontend.hop).astype(np.int16)
    host, reference = MACHINES["host"].run(build_host(network, tmp_path / "host"), pcm), run_reference(network, pcm)
    assert equal(host, reference).ok
    if emulated:
        board = load_board("nrf5340dk")
        assert equal(MACHINES["unicorn"].run(build_bare(network, board, tmp_path / "bare"), pcm), reference).ok
    return again, host.mask


def functions(kinds: list[str]) -> Net:
    """Each function of one number, each over a linear layer or, where it wants numbers above 0, a sigmoid."""
    net = start()
    net.node("Gemm", ["features", net.weights("w", N, N), net.weights("b", N)], "any", transB=1)
    net.node("Gemm", ["features", net.weights("v", N, N), net.weights("c", N)], "logit", transB=1)
    net.node("Sigmoid", ["logit"], "positive")
    results = []
    for kind in kinds:
        function = FUNCTIONS[kind]
        source = "positive" if kind in ("log", "sqrt", "pow", "reciprocal") else "any"
        inputs = [source]
        if function.constant:
            inputs.append(net.constant(f"{kind}_constant", np.array([0.3], np.float32)))
        if kind == "silu":
            net.node("Sigmoid", ["any"], "silu_sigmoid")
            inputs.append("silu_sigmoid")
        attributes = {name: 1.25 * value for name, value in (function.attributes or {}).items()}
        results.append(net.node(function.operator or "Mul", inputs, f"f_{kind}", **attributes))
    return ended(net, net.node("Concat", results, "all", axis=1), N * len(results))


@pytest.mark.parametrize("part", [0, 1])
def test_any_function_of_one_number_is_a_table(part, tmp_path):
    kinds = sorted(FUNCTIONS)[part::2]
    graph, mask = whole_way(functions(kinds), tmp_path, emulated=part == 0)
    assert {op.kind for op in graph.ops if isinstance(op, Activation)} == {"sigmoid", *kinds}
    assert len(np.unique(mask)) > N


def test_a_part_of_any_vector_and_sums_over_several(tmp_path):
    net = start()
    net.node("Gemm", ["features", net.weights("w", N, N), net.weights("b", N)], "dense", transB=1)
    net.node("Elu", ["dense"], "elu")
    bounds = [net.constant(f"at{n}", np.array([n], np.int64)) for n in (1, 4, 7)]
    part = net.node("Slice", ["features", bounds[0], bounds[2], bounds[0]], "part")
    joined = net.node("Concat", ["elu", part], "joined", axis=1)
    a = net.node("Gemm", [joined, net.weights("a_w", N, 14)], "a", transB=1)
    b = net.node("Gemm", ["features", net.weights("b_w", N, N)], "b2", transB=1)
    graph, _ = whole_way(ended(net, net.node("Relu", [net.node("Add", [a, b], "sum")], "relu"), N), tmp_path)
    labels = " ".join(sorted(op.label for op in graph.ops))
    assert labels == "concat elu linear linear linear relu sigmoid slice"


@dataclasses.dataclass(frozen=True)
class Opposite(Operator):
    """−source: what a new operator is, in one class; its layer is the template's."""

    source: str
    output: str

    label = "opposite"
    bounds = (-np.inf, np.inf)
    matrices = ()

    @property
    def sources(self):
        return (self.source,)

    @property
    def outputs(self):
        return (self.output,)

    @property
    def observed(self):
        return ()

    def wired(self, name, sources, outputs):
        return Opposite(name, *sources, *outputs)

    def shapes(self, known: Mapping[str, tuple[int, ...]]):
        return {self.output: known[self.source]}

    def run(self, values, grid):
        return {self.output: grid(self.output, -values[self.source])}

    def scales(self, calibration):
        return {self.output: calibration.quants[self.source]}

    def quantized(self, calibration):
        return self, {}

    def write(self, writer):
        writer.node("Neg", [writer.tensor(self.source)], f"{writer.inner(self)}/neg", label=self.name)
        writer.finish(self.output, f"{writer.inner(self)}/neg")

    def lower(self, context):
        source = context.source(self.name, self.source)
        context.add_value(self.output, context.known_quant(self.name, self.output))
        context.layers.append(Negate(self.name, source.name, self.output))


def test_a_new_operator_needs_no_other_file(tmp_path, monkeypatch):
    monkeypatch.setitem(OPERATORS, "Neg", (lambda step: step.operate(Opposite("", "", ""), step.term(0)), "a new one"))
    net = start()
    net.node("Gemm", ["features", net.weights("w", N, N), net.weights("b", N)], "dense", transB=1)
    net.node("Tanh", ["dense"], "tanh")
    net.node("Neg", ["tanh"], "minus")
    graph, _ = whole_way(ended(net, net.node("Tanh", ["minus"], "again"), N), tmp_path)
    assert [type(op) for op in graph.ops] == [Linear, Activation, Opposite, Activation, Linear, Activation]
    onnx.checker.check_model(onnx.load(tmp_path / "int8.onnx"))


@dataclasses.dataclass(frozen=True)
class Halves(Opposite):
    """Both halves of a vector: an operator of two outputs, whose layers exist."""

    other: str

    label = "halves"

    @property
    def outputs(self):
        return (self.output, self.other)

    def wired(self, name, sources, outputs):
        return Halves(name, *sources, *outputs)

    def shapes(self, known):
        half = known[self.source][0] // 2
        return dict.fromkeys(self.outputs, (half,))

    def run(self, values, grid):
        halves = np.split(values[self.source], 2)
        return {name: grid(name, half) for name, half in zip(self.outputs, halves, strict=True)}

    def scales(self, calibration):
        return dict.fromkeys(self.outputs, calibration.quants[self.source])

    def write(self, writer):
        halves = [f"{writer.inner(self)}/{index}" for index in (0, 1)]
        writer.nodes_of("Split", [writer.tensor(self.source)], halves, self.name, axis=1, num_outputs=2)
        for value, tensor in zip(self.outputs, halves, strict=True):
            writer.finish(value, tensor)

    def lower(self, context):
        source = context.source(self.name, self.source)
        for index, (name, layer) in enumerate(((self.output, self.name), (self.other, context.new_layer_name("other")))):
            value = context.add_value(name, context.known_quant(self.name, name))
            half = Arrangement.of(source.name, (source.size,)).slice(0, index * value.size, value.size)
            context.layers.append(rearrange(layer, half, context.values, value))


def test_an_operator_may_have_several_outputs(tmp_path, monkeypatch):
    monkeypatch.setitem(OPERATORS, "Split", (lambda step: step.operate(Halves("", "", "", ""), step.term(0)), "a new one"))
    net = start()
    net.node("Gemm", ["features", net.weights("w", N, N), net.weights("b", N)], "dense", transB=1)
    net.nodes.append(onnx.helper.make_node("Split", ["dense"], ["first", "second"], name="halves", axis=1, num_outputs=2))
    net.node("Tanh", ["second"], "tanh")
    graph, _ = whole_way(ended(net, net.node("Concat", ["tanh", "first"], "turned", axis=1), N), tmp_path)
    assert [op.label for op in graph.ops] == ["linear", "halves", "tanh", "concat", "linear", "sigmoid"]

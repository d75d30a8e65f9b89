# SPDX-License-Identifier: Apache-2.0
"""Names from a file never meet ours: a network is the same whatever its nodes, tensors and itself are called."""

import re
import subprocess
import tempfile
from pathlib import Path

import numpy as np
import onnx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from codesign.compiler.emit import emit
from codesign.compiler.frontend import whole_hops
from codesign.compiler.layers import Lookup16, Lstm, Requantize, SkipGate
from codesign.compiler.lower import lower
from codesign.compiler.model import load_onnx
from codesign.compiler.plan import plan_memory
from codesign.compiler.quantize import quantize_graph, write_qdq
from codesign.firmware.boards import load_board
from codesign.firmware.machines import MACHINES
from codesign.firmware.size import measure
from codesign.firmware.size.parts import parts_of
from codesign.firmware.symbols import symbols_of
from codesign.firmware.toolchain import Image, build_bare
from codesign.firmware.toolchain.compilers import COMMON_FLAGS, find_host_compiler
from codesign.firmware.toolchain.host import HOST_FLAGS, NATIVE_BOARD
from codesign.firmware.toolchain.objects import compile_runtime
from codesign.firmware.toolchain.runtime import runtime_include, runtime_sources
from codesign.proof.equality import equal, run_reference
from codesign.proof.signals import proof_signal
from hostile_names import layer_nodes, pool, renamed, tensors
from models import float_network

FLAGS = (*COMMON_FLAGS, *HOST_FLAGS, "-O0")
"""Those of build_host, but for the time that it takes."""


class Workshop:
    """A network of every kind of layer as ONNX, and images of it under other names; the runtime is compiled once."""

    def __init__(self, folder: Path) -> None:
        net = float_network(form="stacked", skip=True, gain=2.0)
        relu = next(node for node in net.nodes if node.op_type == "Relu")
        relu.op_type = "Tanh"
        onnx.save(net.model(name="ordinary"), folder / "float.onnx")
        features = np.random.default_rng(2).uniform(0, 3, (100, 12)).astype(np.float32)
        graph = quantize_graph(load_onnx(folder / "float.onnx"), [features])
        write_qdq(graph, folder / "int8.onnx")
        self.model = onnx.load(folder / "int8.onnx")
        self.network = lower(graph)
        self.nodes, self.tensors = layer_nodes(self.model), tensors(self.model)
        self.roles = [value.name for value in (*self.model.graph.input, *self.model.graph.output)]
        self.names = pool(self.network, folder)
        self.pcm = whole_hops(proof_signal([], 16000, 1.0)[: 64 * 120], 64)
        self.expected = run_reference(self.network, self.pcm)
        self._compiler = find_host_compiler()
        flags = (*COMMON_FLAGS, *HOST_FLAGS, f"-I{runtime_include()}")
        self._objects = compile_runtime(self._compiler, flags, runtime_sources(("plain",)), folder)

    def load(self, model, folder):
        onnx.save(model, folder / "model.onnx")
        return lower(load_onnx(folder / "model.onnx"))

    def image(self, network, folder):
        plan = plan_memory(network)
        generated = emit(network, plan, folder / "src")
        library = folder / "library.so"
        command = [*self._compiler.compile, *FLAGS, f"-I{runtime_include()}", f"-iquote{generated.folder}", "-shared"]
        done = subprocess.run(
            [*command, *generated.sources, *self._objects, "-o", library], capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        symbols = symbols_of(network, plan, generated, "")
        board = load_board(NATIVE_BOARD)
        return Image(library, "host", board, network, plan, generated, self._compiler.version, FLAGS, symbols)

    def check(self, of_tensors, of_nodes, name="ordinary"):
        """A model with these names builds, and computes what it computes under its own."""
        with tempfile.TemporaryDirectory() as folder:
            network = self.load(renamed(self.model, of_tensors, of_nodes, name), Path(folder))
            image = self.image(network, Path(folder))
            found = equal(MACHINES["host"].run(image, self.pcm), run_reference(network, self.pcm))
            assert found.ok, found.detail
            np.testing.assert_array_equal(run_reference(network, self.pcm).pcm, self.expected.pcm)
            check_symbols(image)


def check_symbols(image):
    """Everything that the model's C defines belongs to one layer or to the front end, and to the right one."""
    texts = [file.read_text() for file in image.generated.sources]
    functions = re.findall(r"^LAYER void (\w+)\(", "\n".join(texts), re.M)
    assert functions == [image.generated.function(layer.name) for layer in image.network.schedule]
    longest_first = sorted(image.symbols.groups, key=lambda group: -len(group[1]))
    prefixes = {f"{image.generated.function(layer.name)}__": layer.name for layer in image.network.schedule}
    for array in re.findall(r"^(?:_Alignas\(4\) |static )const \w+ (\w+)[\[ ]", "\n".join(texts), re.M):
        label = next(label for label, prefix in longest_first if array.startswith(prefix))
        owners = [layer for prefix, layer in prefixes.items() if array.startswith(prefix)]
        assert [label] == (owners or ["front end"]), array


@pytest.fixture(scope="module")
def workshop(tmp_path_factory):
    return Workshop(tmp_path_factory.mktemp("workshop"))


def test_the_network_has_every_kind_of_name(workshop):
    kinds = {type(layer) for layer in workshop.network.layers}
    assert {Lstm, SkipGate, Lookup16, Requantize} <= kinds
    assert len(workshop.network.states) == 6
    assert len(workshop.names) > 1000
    for name in ("cs_model", "CS_BAD_ARGUMENT", "CODESIGN_ENHANCER_H", "VALUE_FEATURES", "ordinary_mel_weights", "history"):
        assert name in workshop.names


@settings(max_examples=25, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_any_name_in_any_role(workshop, data):
    """Every role of the model is called something hostile at once."""
    tensor = st.sampled_from([name for name in workshop.names if name])
    count = len(workshop.tensors)
    of_tensors = data.draw(st.lists(tensor, min_size=count, max_size=count, unique=True))
    # Nodes may share a name, and often have the names of tensors and of each other with something of ours after them.
    node = (
        st.sampled_from(workshop.names) | st.sampled_from(of_tensors) | st.sampled_from(["twin", "Twin", "twin_2", "twin_bias"])
    )
    of_nodes = data.draw(st.lists(node, min_size=len(workshop.nodes), max_size=len(workshop.nodes)))
    name = data.draw(st.sampled_from(workshop.names))
    workshop.check(dict(zip(workshop.tensors, of_tensors, strict=True)), dict(zip(workshop.nodes, of_nodes, strict=True)), name)


@pytest.mark.parametrize("capitals", [str.lower, str.upper, str.title])
def test_states_called_like_buffers_of_the_front_end(workshop, capitals):
    names = ["history", "overlap", "spectrum", "work", "lstm0.scratch", "lstm1.scratch", "fc0.scratch", "mask_q15"]
    workshop.check(dict(zip(workshop.roles, map(capitals, names), strict=False)), {})


def test_names_that_differ_in_what_c_leaves_out(workshop):
    twins = ["a.b", "a b", "A.B", "a_b", "a-b", "a__b", "日", "本", "x" * 10_000, "x" * 10_000 + "y"]
    workshop.check(dict(zip(workshop.tensors, twins, strict=False)), dict(zip(workshop.nodes, twins, strict=False)))


@pytest.mark.parametrize("node", range(5))
def test_layer_called_like_another_with_something_of_ours_behind(workshop, node):
    others = [name for place, name in enumerate(workshop.nodes) if place != node]
    for suffix in ("_requantize", "_bias", "_layer"):
        for other in others:
            network_names = {workshop.nodes[node]: f"{other}{suffix}"}
            with tempfile.TemporaryDirectory() as folder:
                network = workshop.load(renamed(workshop.model, {}, network_names, "ordinary"), Path(folder))
            assert len({layer.name for layer in network.schedule}) == len(workshop.network.schedule)
            np.testing.assert_array_equal(run_reference(network, workshop.pcm).pcm, workshop.expected.pcm)


def test_every_name_is_planned_and_generated_without_a_twin(workshop, tmp_path):
    """What no compiler is needed for, with all names."""
    names = [name for name in workshop.names if name]
    count = len(workshop.tensors)
    for start in range(0, len(names), count):
        some = names[start : start + count]
        of_nodes = dict(zip(workshop.nodes, some[::-1], strict=False))
        model = renamed(workshop.model, dict(zip(workshop.tensors, some, strict=False)), of_nodes, some[0])
        network = workshop.load(model, tmp_path)
        plan = plan_memory(network)
        assert len(plan.buffers) == len(plan_memory(workshop.network).buffers)
        assert plan.bytes == plan_memory(workshop.network).bytes
        generated = emit(network, plan, tmp_path / "src")
        text = (generated.folder / f"{generated.identifier}.c").read_text()
        macros = re.findall(r"^ +((?:FRONT|SCRATCH|VALUE)_?\w*) = \d+,", text, re.M)
        assert len(set(macros)) == len(macros) == len(plan.buffers)


@pytest.mark.parametrize(
    "name", ["stdint", "string", "codesign_model", "codesign/model", "cs", "CS Frame", "int", "9", "日本", "soc"]
)
def test_model_called_like_a_header_builds_for_host_and_board(workshop, name, tmp_path):
    network = workshop.load(renamed(workshop.model, {}, {}, name), tmp_path)
    if name in ("stdint", "cs"):
        board = load_board("nrf5340dk")
        run = MACHINES["unicorn"].run(build_bare(network, board, tmp_path / "bare"), workshop.pcm)
        np.testing.assert_array_equal(run.pcm, workshop.expected.pcm)
    image = workshop.image(network, tmp_path)
    np.testing.assert_array_equal(MACHINES["host"].run(image, workshop.pcm).pcm, workshop.expected.pcm)


def test_layers_called_like_parts_of_an_image_keep_their_bytes(workshop, tmp_path):
    names = dict(zip(workshop.nodes, ("kernels", "other", "runtime", "mel", "frontend", "model", "libc"), strict=False))
    board = load_board("nrf5340dk")

    def sizes(network, folder):
        image = build_bare(network, board, folder)
        groups = {group.label: group.flash for group in parts_of(image, measure(image.path, board))}
        return [groups.pop(layer.name) for layer in network.schedule], groups

    hostile = workshop.load(renamed(workshop.model, {}, names, "ordinary"), tmp_path)
    assert sizes(hostile, tmp_path / "a") == sizes(workshop.network, tmp_path / "b")


def test_ordinary_names_stay_what_applications_use(workshop, tmp_path):
    image = workshop.image(workshop.network, tmp_path)
    header = (image.generated.folder / "ordinary.h").read_text()
    for word in ("ordinary_model", "ORDINARY_HOP", "ORDINARY_SAMPLE_RATE", "ORDINARY_MEMORY_BYTES"):
        assert re.search(rf"\b{word}\b", header)

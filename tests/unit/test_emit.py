# SPDX-License-Identifier: Apache-2.0
import dataclasses
import json
import re

import numpy as np
import pytest

from codesign.base.errors import InputError
from codesign.compiler.emit import emit
from codesign.compiler.emit.names import checked, macros, model_identifier
from codesign.compiler.layers.literals import float_literal, literals
from codesign.compiler.plan import BufferKey, plan_memory
from networks import SMALL, random_network


def generate(network, folder):
    return emit(network, plan_memory(network), folder)


def test_same_network_gives_the_same_bytes(tmp_path):
    a, b = (generate(random_network(), tmp_path / name) for name in "ab")
    for file in sorted(a.folder.iterdir()):
        assert file.read_bytes() == (b.folder / file.name).read_bytes()


def test_manifest_tells_layers_memory_and_hashes(tmp_path):
    network = random_network()
    generated = generate(network, tmp_path / "out")
    manifest = json.loads(generated.manifest.read_text())
    assert manifest["schema_version"] == 1
    assert manifest["macs"] == network.macs == sum(layer["macs"] for layer in manifest["layers"])
    buffers = [(b["of"], b["name"]) for b in manifest["memory"]["buffers"]]
    assert sorted(buffers) == sorted((key.kind, str(key)) for key in plan_memory(network).buffers)
    assert set(manifest["files"]) == {p.name for p in generated.folder.iterdir()} - {"manifest.json"}


def test_skip_gate_guards_its_layers_only(tmp_path):
    generated = generate(random_network(skip=True), tmp_path / "out")
    body = (generated.folder / "random.c").read_text().split("static int step")[1]
    lines = [line.strip() for line in body.splitlines()]
    start, end = lines.index("if (updated_0) {"), lines.index("}")
    assert lines[start + 1 : end] == [f"random_layer_{name}(memory);" for name in ("lstm_0", "lstm_1", "gate")]
    assert "random_layer_fc_0(memory);" in lines[end:]
    assert "return updated_0;" in lines


def test_every_float32_survives():
    rng = np.random.default_rng(0)
    values = rng.integers(0, 2**32, 2000, dtype=np.uint32).view(np.float32)
    values = np.concatenate([values[np.isfinite(values)], np.array([0, -0.0, 1e-45, 3.4028235e38], np.float32)])
    read_back = np.array([float.fromhex(float_literal(v)[:-1]) for v in values.tolist()], np.float32)
    np.testing.assert_array_equal(read_back.view(np.uint32), values.view(np.uint32))


@pytest.mark.parametrize("value", [float("nan"), float("inf"), 1e39])
def test_not_a_finite_float32_is_refused(value):
    with pytest.raises(InputError, match="not a finite float32"):
        float_literal(value)


def test_int32_minimum_is_valid_c():
    assert literals(np.array([-(2**31), 5], np.int32)) == "INT32_MIN, 5,"


@pytest.mark.parametrize("name", ['a"b', "a\nb", "a*/b", "9lives", "", "Upper", "x" * 128, "a-b"])
def test_names_that_are_no_identifiers_are_refused(name):
    with pytest.raises(InputError, match="not a C identifier"):
        checked(name)


@pytest.mark.parametrize(
    ("name", "identifier"),
    [
        ("My Net (v2)", "my_net_v2"),
        ('evil"; */ int main', "evil_int_main"),
        ("int", "model_int"),
        ("cs", "model_cs"),
        ("cs_model", "model_cs_model"),
        ("CS", "model_cs"),
        ("codesign/model", "model_codesign_model"),
        ("stdint", "model_stdint"),
        ("value_gate", "model_value_gate"),
        ("csnet", "csnet"),
        ("7 bands", "model_7_bands"),
        ("", "model"),
        ("日本", "model"),
        ("x" * 32, "x" * 32),
        ("x" * 100, "x" * 23 + "_09ecb6eb"),
    ],
)
def test_model_names_become_identifiers(name, identifier):
    assert model_identifier(name) == identifier


def test_macros_are_unique_and_plain():
    names = ["a.b", "a_b", "A-B", "", "1", "*/", "state\n", "x" * 10_000, "x" * 9_999, "history", "HISTORY"]
    keys = [BufferKey(kind, name) for kind in ("front end", "value", "scratch") for name in names]
    result = macros(keys)
    assert len(set(result.values())) == len(keys)
    assert all(re.fullmatch(r"[A-Z][A-Z0-9_]*", macro) for macro in result.values())


def test_hostile_layer_name_does_not_reach_c(tmp_path):
    network = random_network()
    first = dataclasses.replace(network.layers[0], name='x"; */ system("')
    with pytest.raises(InputError, match="not a C identifier"):
        generate(dataclasses.replace(network, layers=(first, *network.layers[1:])), tmp_path / "out")
    assert list(tmp_path.iterdir()) == []


def test_hostile_value_names_stay_out_of_c(tmp_path):
    network = random_network(SMALL)
    hostile = '*/ #include "x'
    values = {k: v for k, v in network.values.items() if k != "relu"}
    values[hostile] = dataclasses.replace(network.values["relu"], name=hostile)
    layers = [
        dataclasses.replace(layer, output=hostile) if getattr(layer, "output", "") == "relu" else layer
        for layer in network.layers
    ]
    layers = [
        dataclasses.replace(layer, source=hostile) if getattr(layer, "source", "") == "relu" else layer for layer in layers
    ]
    generated = generate(dataclasses.replace(network, values=values, layers=tuple(layers)), tmp_path / "out")
    for file in generated.sources:
        assert hostile not in file.read_text()

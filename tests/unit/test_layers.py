# SPDX-License-Identifier: Apache-2.0
"""Every layer answers every verb, and a layer that nobody knew before goes through plan, emit and reference unchanged."""

from __future__ import annotations

import dataclasses
import importlib
import inspect
import pkgutil

import numpy as np
import pytest

from codesign.compiler import layers
from codesign.compiler.layers import Layer, Stage, Value
from codesign.compiler.layers._template import Negate
from codesign.firmware.machines import MACHINES
from codesign.firmware.toolchain import build_host
from codesign.proof.equality import equal, run_reference
from networks import random_network, wide_network

for module in pkgutil.iter_modules(layers.__path__):
    importlib.import_module(f"{layers.__name__}.{module.name}")

VERBS = sorted({name for kind in (Stage, Layer) for name in vars(kind) if not name.startswith("_")})
MUST_ANSWER = sorted(Layer.__abstractmethods__)


def kinds(of: type[Layer] = Layer) -> list[type[Layer]]:
    """Every layer of the room; a class without a kind is what some have in common."""
    found = [kind for child in of.__subclasses__() for kind in (child, *kinds(child))]
    return sorted((kind for kind in found if "kind" in vars(kind) and kind.__module__.startswith(layers.__name__)), key=str)


@pytest.mark.parametrize("kind", kinds(), ids=lambda kind: kind.__name__)
def test_a_layer_answers_every_verb(kind):
    assert not inspect.isabstract(kind), f"{kind.__name__} lacks {sorted(kind.__abstractmethods__)}"
    assert kind.kind == kind.kind.lower() != ""
    assert dataclasses.is_dataclass(kind)
    assert dataclasses.fields(kind)[0].name == "name"


def test_kinds_have_names_of_their_own():
    names = [kind.kind for kind in kinds()]
    assert len(set(names)) == len(names) >= 7


def test_a_forgotten_verb_is_an_error_that_names_it():
    class Forgetful(Layer):
        kind = "forgetful"

    with pytest.raises(TypeError, match="scratch_bytes"):
        Forgetful("x")
    assert {"reads", "writes", "states", "scratch_bytes", "step", "code", "tolerance", "title"} <= set(MUST_ANSWER)


@pytest.mark.slow
def test_a_new_layer_needs_no_other_file(tmp_path):
    network = random_network(skip=True)
    logit = network.values["relu"]
    values = {**network.values, "relu": dataclasses.replace(logit, zero_point=0)}
    values["negated"] = Value("negated", logit.size, "int8", logit.scale)
    changed = [dataclasses.replace(layer, source="negated") if layer.name == "fc_1" else layer for layer in network.layers]
    place = next(i for i, layer in enumerate(changed) if layer.name == "fc_1")
    changed.insert(place, Negate("minus", "relu", "negated"))
    network = dataclasses.replace(network, values=values, layers=tuple(changed))
    pcm = np.random.default_rng(3).integers(-(2**14), 2**14, 64 * network.frontend.hop).astype(np.int16)
    host = MACHINES["host"].run(build_host(network, tmp_path / "host"), pcm)
    assert equal(host, run_reference(network, pcm)).ok
    assert (host.mask != MACHINES["host"].run(build_host(random_network(skip=True), tmp_path / "without"), pcm).mask).any()


@pytest.mark.slow
def test_layers_of_int16_values_go_through_a_whole_network(tmp_path):
    network = wide_network()
    pcm = np.random.default_rng(3).integers(-(2**14), 2**14, 64 * network.frontend.hop).astype(np.int16)
    host = MACHINES["host"].run(build_host(network, tmp_path / "host"), pcm)
    assert equal(host, run_reference(network, pcm)).ok
    assert np.ptp(host.mask.astype(int), axis=0).max() > 1000, "a constant mask proves nothing"

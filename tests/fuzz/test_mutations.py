# SPDX-License-Identifier: Apache-2.0
"""A few hundred spoiled models, always the same; `python -m tests.fuzz.mutations` runs as many as wanted."""

from __future__ import annotations

import collections
import dataclasses

import pytest

from codesign.base.errors import ToolError
from networks import random_network

from .equality import Compiled, digest
from .mutations import GOOD, run


@pytest.fixture(scope="module")
def compiled(tmp_path_factory):
    try:
        return Compiled(tmp_path_factory.mktemp("libraries"))
    except ToolError as error:
        pytest.skip(str(error))


@pytest.mark.slow
def test_refused_in_one_line_or_computed_right(compiled, tmp_path):
    outcomes: collections.Counter[str] = collections.Counter()
    for result in run(count=150, seed=0, work=tmp_path):
        assert result.outcome in GOOD, result
        outcomes[result.outcome] += 1
    assert outcomes["refused"] > 50
    assert outcomes["equal"] > 10


@pytest.mark.parametrize("front_end", ["float32", "q31"])
def test_weights_written_into_a_library_are_those_that_compute(compiled, front_end, monkeypatch):
    """Or every mutant of one structure would be compared with the first one's weights."""
    first, second = random_network(seed=1), random_network(seed=1)
    layers = tuple(
        dataclasses.replace(layer, weights=-layer.weights) if layer.name == "fc_1" else layer for layer in second.layers
    )
    second = dataclasses.replace(second, layers=layers)
    assert digest(first) != digest(second)
    for network in (first, second, first):
        assert compiled.difference(network, front_end, seed=3) == ""
    monkeypatch.setattr(compiled, "_write_weights", lambda library, text: None)
    assert "mask" in compiled.difference(second, front_end, seed=3)

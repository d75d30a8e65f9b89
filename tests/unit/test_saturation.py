# SPDX-License-Identifier: Apache-2.0
"""Counting what integers cannot hold, against counts by hand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from test_lower import MASK, graph, linear

from codesign.compiler.frontend import whole_hops
from codesign.compiler.lower import lower
from codesign.compiler.model.graph import Quant
from codesign.compiler.operators import Activation
from codesign.compiler.reference.frontend import analyse
from codesign.compiler.reference.saturation import of_run, of_values, together
from codesign.proof.equality import run_reference

UNIT = Quant(2.0**-15, 0, 16)


def test_values_beyond_by_more_than_a_step():
    feature = Quant(0.01, -127, 8)  # 0 … 2.54
    features = np.array([0.0, 2.54, 2.549, 2.56, 5.08, 0.1])
    mask = np.array([-1.0, -1.1, 0.5, 1.0, 1.00001, 1.5])
    found = of_values("x", features, feature, mask, UNIT)
    assert (found.features, found.features_beyond, found.mask, found.mask_beyond) == (6, 2, 6, 3)
    assert found.features_peak == pytest.approx(2.0)
    assert found.any()
    assert str(found) == "x: 33.3 % of the features (the largest 2 times it) and 50 % of the mask are beyond their range"


def test_nothing_to_tell():
    found = of_values("x", np.ones(4), Quant(0.01, -127, 8), np.zeros(0), UNIT)
    assert not found.any()
    assert str(found) == "x: 0 % of the features and 0 % of the mask are beyond their range"


def test_a_rare_one_is_not_none():
    features = np.ones(100_000)
    features[5] = 9.0
    assert "less than 0.01 % of the features" in str(of_values("x", features, Quant(0.01, -127, 8), features[:0], UNIT))


def test_signals_together():
    parts = [of_values("a", np.array([top]), Quant(0.01, -127, 8), np.array([top]), UNIT) for top in (0.5, 5.08, 7.62)]
    whole = together("all", parts)
    assert (whole.features, whole.features_beyond, whole.mask_beyond) == (3, 2, 2)
    assert whole.features_peak == pytest.approx(3.0)
    assert together("none", []).features == 0


def run_of(activation, mask_quant, gain=40000):
    """A network of one linear layer and what counting its run over noise found; with the masks that came out."""
    op = linear(rows=12)
    ops = (op,) if activation is None else (op, replace(activation, source=op.output, output="mask"))
    op = replace(op, output="mask") if activation is None else op
    net = graph(op, *ops[1:], mask=mask_quant)
    net = replace(net, frontend=replace(net.frontend, n_mels=12), quants=dict(net.quants) | {"x": Quant(0.01, -127, 8)})
    network = lower(net)
    pcm = whole_hops((gain * np.random.default_rng(0).uniform(-1, 1, 20000)).clip(-32768, 32767).astype(np.int16), 128)
    pcm = whole_hops(pcm, network.frontend.hop)
    mask = run_reference(network, pcm).mask
    return of_run("x", net, network, pcm, mask), mask, analyse(network.frontend, pcm).features


@pytest.mark.parametrize(
    ("activation", "quant", "counted"),
    [
        (None, MASK, (32767, -32768)),
        (Activation("a", "relu", "", ""), MASK, (32767,)),
        (Activation("a", "clip", "", "", 0.0, 1.0), MASK, ()),
        (Activation("a", "clip", "", "", -3.0, 3.0), MASK, (32767, -32768)),
        (Activation("a", "clip", "", "", 0.0, 2.0), Quant(2 / 254, -127, 8), ()),
        (Activation("a", "clip", "", "", 0.0, 2.0), Quant(1 / 254, -127, 8), (127,)),
        (Activation("a", "relu", "", ""), Quant(1 / 254, -127, 8), (127,)),
        (Activation("a", "sigmoid", "", ""), MASK, ()),
        (Activation("a", "tanh", "", ""), MASK, ()),
        (Activation("a", "sigmoid", "", ""), Quant(0.5 / 254, -127, 8), (127,)),
    ],
)
def test_masks_that_stand_at_an_end_the_network_would_pass(activation, quant, counted):
    found, mask, features = run_of(activation, quant)
    assert found.mask == mask.size
    assert found.mask_beyond == sum(int((mask == end).sum()) for end in counted)
    assert (found.mask_beyond > 0) == bool(counted)
    assert found.features == features.size
    assert found.features_beyond == int((features > 254 * 0.01 + 0.01).sum())
    assert found.features_peak == pytest.approx(features.max() / 2.54, rel=1e-6)


def test_blocks_are_the_whole(monkeypatch):
    whole = run_of(None, MASK)[0]
    monkeypatch.setattr("codesign.compiler.reference.saturation._BLOCK", 7)
    assert run_of(None, MASK)[0] == whole


def test_louder_sound_is_beyond_the_range():
    quiet, loud = (run_of(None, MASK, gain)[0] for gain in (2, 32767))
    assert quiet.features_beyond < loud.features_beyond
    assert loud.features_peak > quiet.features_peak

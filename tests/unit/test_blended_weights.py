# SPDX-License-Identifier: Apache-2.0
"""Weights between those of two networks."""

from __future__ import annotations

import importlib.util

import numpy as np
import onnx
import pytest
from onnx import numpy_helper

from codesign.base.resources import resource

MODELS = resource("models")


@pytest.fixture(scope="module")
def blend():
    spec = importlib.util.spec_from_file_location("models_blend", MODELS / "blend.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.blend


def weights(model):
    return {tensor.name: numpy_helper.to_array(tensor) for tensor in model.graph.initializer}


def test_every_float_weight_lies_between_the_two(blend):
    first = onnx.load(MODELS / "baseline-256" / "baseline-256-float.onnx")
    second = onnx.load(MODELS / "baseline-256-perceptual" / "baseline-256-perceptual-float.onnx")
    a, b, found = weights(first), weights(second), weights(blend(first, second, 0.25))
    for name, values in found.items():
        if values.dtype == np.float32:
            np.testing.assert_allclose(values, 0.75 * a[name] + 0.25 * b[name], atol=1e-6)
    assert any(values.dtype == np.float32 and np.abs(values - a[name]).max() > 0.01 for name, values in found.items())


def test_networks_of_other_shapes_are_refused(blend):
    first = onnx.load(MODELS / "baseline-256" / "baseline-256-float.onnx")
    with pytest.raises(ValueError, match="has no lstm0/W"):
        blend(first, onnx.load(MODELS / "low-latency" / "low-latency.onnx"), 0.5)

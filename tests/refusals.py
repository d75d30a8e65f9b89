# SPDX-License-Identifier: Apache-2.0
"""What the tests of bad networks share."""

import pytest
from onnx import numpy_helper

from codesign.base.errors import InputError
from codesign.compiler.model import load_onnx


def refused(model, tmp_path, *words):
    path = tmp_path / "model.onnx"
    path.write_bytes(model if isinstance(model, bytes) else model.SerializeToString())
    with pytest.raises(InputError) as caught:
        load_onnx(path)
    text = str(caught.value)
    assert "\n" not in text
    assert len(text) < 900
    assert "model.onnx" in text
    for word in words:
        assert word in text, text
    assert caught.value.hint


def initializer(model, name):
    return next(t for t in model.graph.initializer if t.name == name)


def replaced(model, name, array):
    initializer(model, name).CopyFrom(numpy_helper.from_array(array, name))
    return model


def node_of(net, output):
    return next(n for n in net.nodes if output in n.output)

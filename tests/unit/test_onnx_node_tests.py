# SPDX-License-Identifier: Apache-2.0
"""ONNX's own tests of single nodes, for the operators that are read: each is right, or refused by name.

The first input stays one, all others become weights; of several outputs the first is kept.
"""

from __future__ import annotations

import warnings
from collections import Counter
from types import SimpleNamespace

import numpy as np
import onnx
import pytest
from onnx import numpy_helper

from codesign.base.errors import InputError
from codesign.compiler.frontend import Chain
from codesign.compiler.model import load_onnx, onnx_model
from codesign.compiler.model.operator_page import NODE_TESTS
from codesign.compiler.model.ops import OPERATORS
from codesign.compiler.model.passes.composed import COMPOSED
from codesign.compiler.quantize.float_run import float_run

pytestmark = pytest.mark.slow  # the file as a whole

SKIPPED = ("_expanded", "_cpu", "_training")


@pytest.fixture(scope="module")
def cases():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from onnx.backend.test.case.node import collect_testcases

        found = collect_testcases(None)
    kept = []
    for case in found:
        nodes = case.model.graph.node if case.model is not None else []
        plain = len(nodes) == 1 and nodes[0].domain in ("", "ai.onnx") and nodes[0].op_type in {**OPERATORS, **COMPOSED}
        if plain and nodes[0].input and nodes[0].input[0] and not any(word in case.name for word in SKIPPED):
            kept.append(case)
    return kept


def as_step(case):
    """The model with one input and one output, and numbers for both; None where the input is no float."""
    (inputs, outputs) = case.data_sets[0]
    if not isinstance(inputs[0], np.ndarray) or inputs[0].dtype != np.float32 or inputs[0].size == 0:
        return None
    if not isinstance(outputs[0], np.ndarray) or outputs[0].dtype != np.float32 or outputs[0].size == 0:
        return None
    model = onnx.ModelProto()
    model.CopyFrom(case.model)
    graph = model.graph
    given = [name for name in graph.node[0].input if name]
    names = [info.name for info in graph.input]
    for name, array in list(zip(names, inputs, strict=True))[1:]:
        graph.initializer.append(numpy_helper.from_array(np.asarray(array), name))
    assert given[0] == names[0]
    del graph.input[1:]
    del graph.output[1:]
    kept = [name if name == graph.output[0].name else "" for name in graph.node[0].output]
    if graph.node[0].op_type in ("LSTM", "GRU", "RNN"):
        graph.node[0].output[:] = kept
    return model, inputs[0], outputs[0]


def result(case, folder, monkeypatch):
    """ "right", "wrong", or the message that refuses."""
    step = as_step(case)
    if step is None:
        return None
    model, x, wanted = step
    path = folder / "node.onnx"
    path.write_bytes(model.SerializeToString())
    try:
        graph = load_onnx(path)
    except InputError as error:
        return str(error)
    found = float_run(graph, x.reshape(1, -1)).values[graph.output].ravel()
    finite = np.isfinite(wanted.ravel())
    close = np.abs(found - wanted.ravel())[finite] <= 2e-5 * max(1.0, float(np.abs(wanted[np.isfinite(wanted)]).max(initial=0)))
    return "right" if found.size == wanted.size and close.all() else "wrong"


def test_right_or_refused_by_name(cases, tmp_path, monkeypatch):
    monkeypatch.setattr(onnx_model, "read_chain_keys", lambda *_: SimpleNamespace(chain=Chain()))
    counts, wrong = Counter(), []
    for case in cases:
        with np.errstate(all="ignore"):
            found = result(case, tmp_path, monkeypatch)
        if found is None:
            continue
        counts["right" if found == "right" else "refused"] += 1
        if found not in ("right",):
            named = found != "wrong" and "node.onnx" in found
            print(f"{case.name}: {found.replace(str(tmp_path), '')[:150]}")
            if not named:
                wrong.append(case.name)
    print(dict(counts))
    assert not wrong
    assert (counts["right"], counts["refused"]) == NODE_TESTS

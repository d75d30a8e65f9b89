# SPDX-License-Identifier: Apache-2.0
"""Real and imaginary parts as two inputs and outputs, and what is said where no chain fits."""

from __future__ import annotations

import numpy as np
import onnx
import pytest

import codesign
from codesign.base.errors import InputError
from codesign.compiler.frontend.fit import fitting
from codesign.compiler.model import load_row
from codesign.compiler.model.planes import planes_by_shape
from codesign.compiler.quantize.float_run import float_steps
from onnx_graphs import Graph, session

BINS = 33


def two_parts(ins: tuple[str, str], outs: tuple[str, str], shape: list[int], **metadata: str) -> onnx.ModelProto:
    """A dense layer over both parts of a spectrum."""
    g = Graph(3)
    flat = [g("Reshape", name, g.ints(1, BINS)) for name in ins]
    line = g("Tanh", g("Gemm", g("Concat", *flat, axis=1), g.weights(2 * BINS, 2 * BINS), transB=1))
    parts = [f"part{k}" for k in range(2)]
    g("Split", line, g.ints(BINS, BINS), outputs=parts, axis=1)
    for part, name in zip(parts, outs, strict=True):
        g("Reshape", part, g.ints(*shape), outputs=[name])
    model = g.model(dict.fromkeys(ins, shape), dict.fromkeys(outs, shape))
    onnx.helper.set_model_props(model, {"n_fft": "64", "hop": "16", **metadata})
    return model


NAMES = {
    "re and im": (("re", "im"), ("mre", "mim"), {}),
    "real and imag, swapped": (("x_imag", "x_real"), ("out_r", "out_i"), {}),
    "named by keys": (("p", "q"), ("s", "t"), {"inputs": '["q", "p"]', "outputs": '["s", "t"]', "output": "spectrum"}),
}


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("shape", [[1, 1, BINS], [1, BINS, 1, 1]])
def test_two_parts_are_one_vector_in_planes(name, shape, tmp_path):
    ins, outs, metadata = NAMES[name]
    model = two_parts(ins, outs, shape, **metadata)
    onnx.save(model, tmp_path / "model.onnx")
    graph = codesign.load(tmp_path / "model.onnx")
    chain = graph.frontend
    assert (chain.feature, chain.layout, chain.output) == ("spectrum", "planes", metadata.get("output", "mask"))
    assert sum("real and imaginary parts" in note for note in graph.notes) == 2
    x = np.random.default_rng(0).normal(0, 1, (1, 2 * BINS)).astype(np.float32)
    real = ins if name == "re and im" else ins[::-1]
    fed = dict(zip(real, (x[:, :BINS].reshape(shape), x[:, BINS:].reshape(shape)), strict=True))
    expected = np.concatenate([part.ravel() for part in session(model).run(list(outs), fed)])
    (found,) = [values[graph.output].ravel() for values in float_steps(graph, x)]
    np.testing.assert_allclose(found, expected, atol=1e-5)


REFUSED = {
    "magnitude and phase": (two_parts(("mag", "phase"), ("re", "im"), [1, BINS]), "inputs that are no states: 'mag' .*'phase'"),
    "a name that is none": (
        two_parts(("re", "im"), ("mre", "mim"), [1, BINS], inputs='["re", "other"]'),
        "inputs does not name two of 're'",
    ),
    "no list": (two_parts(("re", "im"), ("mre", "mim"), [1, BINS], outputs="mre"), "outputs does not name two of 'mre'"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_other_pairs_are_refused_with_what_to_do(name, tmp_path):
    model, said = REFUSED[name]
    onnx.save(model, tmp_path / "model.onnx")
    with pytest.raises(InputError, match=said) as caught:
        codesign.load(tmp_path / "model.onnx")
    assert "says what each of several is" in caught.value.hint


def test_a_shape_tells_planes_from_pairs():
    assert planes_by_shape((2, 1, BINS), (66,))
    assert not planes_by_shape((BINS, 1, 2), (66,))
    assert not planes_by_shape((66,), (66,))
    assert not planes_by_shape((2, BINS), (BINS, 2)), "two minds: nothing is assumed"


def test_a_chain_that_does_not_fit_says_which_would(tmp_path):
    g = Graph()
    g("Sigmoid", g("Gemm", "x", g.weights(161, 161)), outputs=["mask"])
    onnx.save(g.model({"x": [1, 161]}, {"mask": [1, 161]}, feature="magnitude"), tmp_path / "model.onnx")
    with pytest.raises(InputError, match="feature 'magnitude' gives 257 values, the input has 161") as caught:
        codesign.load(tmp_path / "model.onnx")
    assert 'preset = "nsnet2"' in caught.value.hint
    assert 'n_fft = 320, feature = "magnitude", gains = "bins"' in caught.value.hint
    row = load_row(tmp_path / "model.onnx", strict=False)
    assert row.readings[0].problem.message == caught.value.message
    assert [op.label for op in row.graphs[0].ops] == ["linear", "sigmoid"]


@pytest.mark.parametrize(
    ("sizes", "expected"),
    [
        ((257, 257), 'preset = "dtln-1"'),
        ((512, 512), 'preset = "dtln-2"'),
        ((514, 514), 'preset = "gtcrn"'),
        ((130, 65), 'n_fft = 128, feature = "spectrum", gains = "bins"'),
        ((96, 96), 'feature = "mel_magnitude", gains = "bands"'),
        ((3, 100000), ""),
    ],
)
def test_sizes_that_are_known(sizes, expected):
    assert [text for text in fitting(None, *sizes) if text.endswith(expected)] or not expected
    assert bool(fitting(None, *sizes)) == bool(expected)


def test_bands_of_many_frames_say_what_to_export(tmp_path):
    g = Graph()
    g("Sigmoid", g("Gemm", g("Reshape", "x", g.ints(1, 120)), g.weights(120, 12)), outputs=["mask"])
    onnx.save(g.model({"x": [1, 10, 12]}, {"mask": [1, 12]}, feature="mel_power", n_mels="12"), tmp_path / "model.onnx")
    with pytest.raises(InputError, match="n_mels is 12, the input has 120 features") as caught:
        codesign.load(tmp_path / "model.onnx")
    assert "10 frames at once: export one frame" in caught.value.hint

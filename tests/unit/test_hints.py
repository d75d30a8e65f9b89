# SPDX-License-Identifier: Apache-2.0
"""What a command says to do next leads on, and not in a circle."""

from __future__ import annotations

import numpy as np
import pytest
import soundfile

import codesign
from codesign.base.errors import InputError
from codesign.cli.hints import FROM_CHECKPOINT, from_a_checkpoint
from codesign.compiler.lower import lower
from codesign.compiler.lower.constants import QUANTIZE_HINT
from onnxruntime_files import dynamic, static


@pytest.mark.parametrize("hint", [QUANTIZE_HINT, f"quantize the row with a larger scale: {QUANTIZE_HINT}"])
def test_a_checkpoint_that_cannot_be_lowered_is_exported_as_float_first(hint):
    with pytest.raises(InputError, match="fc0: the sum could overflow") as caught, from_a_checkpoint():
        raise InputError("fc0: the sum could overflow", hint=hint)
    assert caught.value.hint == FROM_CHECKPOINT
    assert FROM_CHECKPOINT.index("codesign export") < FROM_CHECKPOINT.index("codesign quantize")


def test_other_errors_keep_their_hint():
    with pytest.raises(InputError) as caught, from_a_checkpoint():
        raise InputError("no such file", hint="name another")
    assert caught.value.hint == "name another"


@pytest.fixture(scope="module")
def recordings(tmp_path_factory):
    """A folder with a second of noise."""
    folder = tmp_path_factory.mktemp("recordings")
    noise = np.random.default_rng(0).standard_normal(16000) * 3000
    soundfile.write(folder / "noise.wav", noise.astype(np.int16), 16000)
    return folder


@pytest.mark.parametrize(
    ("write", "options", "note"),
    [
        (static, {"network": "lstm"}, "quantized anew"),
        (static, {"network": "clipped", "weights": "u8", "form": "QOperator"}, "127 steps from their zero point"),
        (dynamic, {"network": "gru"}, "dynamic quantization"),
    ],
)
def test_a_quantized_file_that_cannot_be_built_is_quantized_again(write, options, note, recordings, tmp_path):
    path = write(tmp_path, **options)
    with pytest.raises(InputError) as refused:
        lower(codesign.load(path))
    assert refused.value.hint == QUANTIZE_HINT
    report = codesign.quantize(path, recordings, tmp_path / "int8.onnx")
    assert sum(note in said for said in report.notes) == 1
    lower(codesign.load(tmp_path / "int8.onnx"))


def test_a_quantized_file_that_can_be_built_is_not_quantized_again(recordings, tmp_path):
    path = static(tmp_path, "mlp")
    with pytest.raises(InputError, match="quantized already; build it as it is"):
        codesign.quantize(path, recordings, tmp_path / "int8.onnx")
    lower(codesign.load(path))

# SPDX-License-Identifier: Apache-2.0
"""The public functions: examples of docs/api.md run as printed, signals of any kind, and what importing costs."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile

import codesign
from codesign.base.audio import read_audio
from codesign.base.errors import InputError
from codesign.base.resources import resource
from codesign.compiler.frontend import whole_hops

ROOT = Path(__file__).parents[2]
MODEL = resource("models", "pruned", "pruned.onnx")
NOISY = resource("models", "demo", "fan_3db_noisy.flac")


@pytest.fixture(scope="module")
def enhancer():
    with codesign.Enhancer(MODEL) as found:
        yield found


@pytest.fixture(scope="module")
def pcm():
    return read_audio(NOISY, 16000).pcm[:40000]


def test_every_function_is_there_and_in_the_docs():
    page = (ROOT / "docs" / "api.md").read_text(encoding="utf-8")
    for name in set(codesign.__all__) - {"__version__"}:
        assert callable(getattr(codesign, name))
        assert f"`{name}(" in page
    with pytest.raises(AttributeError, match="nothing_such"):
        codesign.nothing_such  # noqa: B018


@pytest.mark.parametrize("number", [0, 1, pytest.param(2, marks=pytest.mark.slow)])
def test_examples_of_the_page(number, tmp_path):
    example = re.findall(r"```python\n(.*?)```", (ROOT / "docs" / "api.md").read_text(encoding="utf-8"), re.S)[number]
    script = example.replace('"models/', f'"{ROOT}/models/').replace('"firmware"', f'"{tmp_path}/firmware"')
    done = subprocess.run([sys.executable, "-c", script], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_importing_the_package_imports_none_of_its_parts():
    code = "import sys, codesign; print(sorted(m for m in sys.modules if m.startswith('codesign') or m in ('numpy', 'onnx')))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "['codesign']"


def test_the_module_is_the_command_line():
    done = subprocess.run([sys.executable, "-m", "codesign", "--version"], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == f"codesign {codesign.__version__}"


def test_blocks_of_any_length_give_the_bits_of_one_call(enhancer, pcm):
    whole = enhancer._enhancer
    whole.reset()
    expected = whole.process(whole_hops(pcm, enhancer.hop))
    enhancer.reset()
    rng, parts, at = np.random.default_rng(1), [], 0
    while at < pcm.size:
        step = int(rng.integers(0, 700))
        parts.append(enhancer.process(pcm[at : at + step]))
        at += step
    got = np.concatenate(parts)
    assert got.size == pcm.size // enhancer.hop * enhancer.hop
    np.testing.assert_array_equal(got, expected[: got.size])


def test_float_and_int16_are_one_signal(enhancer, pcm):
    whole = codesign.enhance(enhancer, pcm, 16000)
    assert whole.dtype == np.int16
    assert whole.shape == pcm.shape
    for dtype in (np.float32, np.float64):
        floats = codesign.enhance(enhancer, (pcm / 32768.0).astype(dtype), 16000)
        assert floats.dtype == dtype
        np.testing.assert_array_equal(np.rint(floats * 32768.0), whole)


@pytest.mark.parametrize(("rate", "size"), [(48000, 30001), (44100, 12345), (8000, 999), (16000, 1)])
def test_any_rate_and_length(enhancer, rate, size):
    signal = np.random.default_rng(2).normal(0, 0.1, size)
    assert codesign.enhance(enhancer, signal, rate).shape == (size,)


@pytest.mark.parametrize(
    ("signal", "says"),
    [
        (np.zeros((100, 2)), "shape"),
        (np.zeros(100, np.int32), "int32"),
        (np.array([0.0, np.nan]), "NaN"),
        (np.zeros(0), "0 samples"),
    ],
)
def test_what_is_no_signal_is_refused(enhancer, signal, says):
    with pytest.raises(InputError, match=says):
        codesign.enhance(enhancer, signal, 16000)


def test_size_and_generate(tmp_path):
    image = codesign.build(str(MODEL), str(tmp_path / "bare"))
    found = codesign.size(image)
    assert found.ok
    assert found.stack is not None
    assert found.footprint == codesign.size(str(image.path)).footprint
    generated = codesign.generate(MODEL, tmp_path / "c", kernel="plain")
    assert generated.manifest.is_file()


def test_evaluate_scores_models_and_recordings(tmp_path):
    for role in ("noisy", "clean"):
        (tmp_path / role).mkdir()
        pcm, rate = soundfile.read(NOISY.with_name(f"fan_3db_{role}.flac"), dtype="int16", frames=32000)
        soundfile.write(tmp_path / role / "fan.wav", pcm, rate)
    found = codesign.evaluate(tmp_path, MODEL, recordings={"clean again": tmp_path / "clean"})
    assert [subject.name for subject in found.systems] == ["noisy", "pruned", "clean again"]
    noisy, pruned, clean = (score.values for score in found.scores)
    assert noisy["si_sdr"] < pruned["si_sdr"]
    assert clean["estoi"] == pytest.approx(1.0)
    with pytest.raises(InputError, match="two systems are called 'x'"):
        codesign.evaluate(tmp_path, {"x": MODEL}, recordings={"x": tmp_path / "clean"})
    with pytest.raises(InputError, match="no pairs"):
        codesign.evaluate(tmp_path / "noisy", MODEL)

# SPDX-License-Identifier: Apache-2.0
"""A teacher's output as the target: what it is, where it is kept, and that a network learns from it alone."""

from __future__ import annotations

import pytest

pytest.importorskip("torch", reason="no torch: pip install 'codesign[train]'")

import contextlib
import dataclasses
from concurrent.futures import Future
from pathlib import Path

import numpy as np
import soundfile
import torch
from families import RECIPES, enhancer_of, recipe_of
from small import RECIPE, Tones, small_recipe, tones

from codesign.base.errors import InputError
from codesign.base.metrics import si_sdr
from codesign.cli import main as cli
from codesign.compiler.model import load_onnx
from codesign.learning.compress.export import export
from codesign.learning.data import open_data
from codesign.learning.distill.recordings import NoisyRecordings
from codesign.learning.distill.source import batch_source, teacher_of
from codesign.learning.distill.teacher import TeacherFile
from codesign.learning.train.checkpoint import Checkpoint
from codesign.learning.train.float_task import float_task
from codesign.learning.train.loop import PhaseRun, train
from codesign.learning.train.losses import gain_distance, recipe_loss, spectral_distance, spectral_distances
from training_folders import noise_folder, speech_folder

NETWORKS = Path(__file__).parents[3] / "shared" / "networks"
DISTILL = '[distill]\nteacher = "teacher.onnx"\nshare = 0.5\nmixtures = 4\n[mixing]\nrooms = 0.0\n'
NAME = "conv-recurrent, complex"


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A folder with a teacher, its cache, and a corpus."""
    folder = tmp_path_factory.mktemp("distill")
    module = enhancer_of(NAME)
    average = {f"network.{key}": value for key, value in module.network.state_dict().items()}
    export(Checkpoint(recipe_of(NAME), "train", module.network.sizes, 1, average, {}), folder / "teacher.onnx")
    speech_folder(folder / "speech", 6)
    noise_folder(folder / "noise")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CODESIGN_CACHE", str(folder / "cache"))
        yield folder


def test_a_teacher_computes_what_its_torch_module_computes_and_is_kept(place):
    teacher = TeacherFile(place / "teacher.onnx").open(16000)
    noisy = tones(1, 6433)[0]
    taught = teacher(noisy[0])
    expected = enhancer_of(NAME)(torch.from_numpy(noisy))[0][0].detach().numpy()
    assert taught.shape == noisy[0].shape
    size = min(expected.size, taught.size)
    np.testing.assert_allclose(taught[:size], np.clip(expected, -1, 1)[:size], rtol=0, atol=2e-4)
    (kept,) = (place / "cache" / "teacher").iterdir()
    np.save(kept, np.zeros(noisy.size, np.int16))
    assert not teacher(noisy[0]).any()  # what is kept is not computed again
    kept.write_bytes(b"damaged")
    np.testing.assert_array_equal(teacher(noisy[0]), taught)


@pytest.mark.parametrize(("file", "chain"), [("gtcrn", "gtcrn"), ("dtln_1", "dtln-1"), ("nsnet2", "nsnet2")])
def test_published_networks_teach(file, chain, tmp_path, monkeypatch):
    path = NETWORKS / f"{file}.onnx"
    if not path.is_file():
        pytest.skip(f"{path} is not there")
    demo = Path(__file__).parents[2] / "models" / "demo"
    noisy, clean = (soundfile.read(demo / f"pump_5db_{kind}.flac", dtype="float32")[0][:51200] for kind in ("noisy", "clean"))
    monkeypatch.setenv("CODESIGN_CACHE", str(tmp_path))
    taught = TeacherFile(path, chain).open(16000)(noisy)
    pcm, before, target = (np.rint(signal * 32767).astype(np.int16) for signal in (taught, noisy, clean))
    assert si_sdr(pcm, target) > si_sdr(before, target) + 0.3  # aligned, and better


class InProcess:
    """The pool of one process, in this one."""

    def __init__(self, processes, context, begin, arguments):
        begin(*arguments)

    def submit(self, work, *arguments):
        result = Future()
        result.set_result(work(*arguments))
        return result

    def shutdown(self, wait, cancel_futures):
        pass


@pytest.fixture
def in_process(monkeypatch):
    monkeypatch.setattr("codesign.learning.distill.batches.ProcessPoolExecutor", InProcess)
    monkeypatch.setattr("codesign.learning.distill.worker.signal.signal", lambda *ignored: None)


@pytest.fixture(scope="module")
def source(place):
    """Every second batch is taught, without the process that mixes the others."""
    recipe = small_recipe(RECIPE + DISTILL)
    data = open_data(place / "speech", place / "noise", sample_rate=16000, seed=3)
    return dataclasses.replace(batch_source(data, recipe, recipe.train, place), untaught=Tones(recipe.train))


@pytest.fixture(scope="module")
def whole(source):
    with source.batches(0) as batches:
        return [next(batches) for _ in range(7)]


def test_networks_in_a_row_teach(place):
    """The same network twice: what it gives, a spectrum under its mask, is what it hears again."""
    (place / "row.toml").write_text('[[stage]]\nmodel = "teacher.onnx"\n[[stage]]\nmodel = "teacher.onnx"\n')
    noisy, module = tones(1, 6400)[0], enhancer_of(NAME)
    taught = TeacherFile(place / "row.toml").open(16000)(noisy[0])
    spectrum, features = module.front.analyse(torch.from_numpy(noisy))
    for _ in range(2):
        mask = torch.view_as_complex(module.network(features)[0].unflatten(-1, (-1, 2)).contiguous())
        last, spectrum = spectrum, spectrum * mask
        features = torch.view_as_real(spectrum).flatten(-2)
    expected = module.front.synthesise(last, torch.view_as_real(mask).flatten(-2))[0, :6400].detach().numpy()
    np.testing.assert_allclose(taught, np.clip(expected, -1, 1), rtol=0, atol=5e-4)


def test_batches_are_a_function_of_their_number_whatever_came_before(place, source, whole, in_process):
    with source.batches(4) as batches:
        rest = [next(batches) for _ in range(3)]
    assert [len(batch) for batch in whole] == [2, 3, 2, 3, 2, 3, 2]
    for one, other in zip(whole[4:], rest, strict=True):
        assert all(np.array_equal(a, b) for a, b in zip(one, other, strict=True))
    assert all(np.array_equal(a, b) for a, b in zip(whole[1], whole[5], strict=True))  # 4 mixtures are two batches
    assert not np.array_equal(whole[1][0], whole[3][0])
    teacher = TeacherFile(place / "teacher.onnx").open(16000)
    np.testing.assert_array_equal(whole[1][2], np.stack([teacher(noisy) for noisy in whole[1][0]]))


def test_recordings_without_clean_ones_have_the_teachers_output_as_target(place, source, in_process):
    soundfile.write(place / "street.wav", tones(1, 900)[0][0], 16000)
    recordings = NoisyRecordings.under(place, 16000, 1)
    assert place / "street.wav" in recordings.files
    recordings = dataclasses.replace(recordings, files=(place / "street.wav",))
    with dataclasses.replace(source, share=1.0, recordings=recordings).batches(0) as batches:
        noisy, clean, taught = next(batches)
    assert np.array_equal(clean, taught)
    assert noisy[0, :900].any()
    assert not noisy[:, 900:].any()
    with pytest.raises(InputError, match="no WAV or FLAC file"):
        NoisyRecordings.under(place / "cache", 16000, 1)


def test_the_teachers_terms_are_least_where_the_teacher_is():
    recipe = small_recipe(RECIPE + DISTILL.replace("share = 0.5", "clean_weight = 0.0"))
    noisy, clean = (torch.from_numpy(signal) for signal in tones(2, 8000))
    taught = 0.5 * (noisy + clean)
    at, off = (recipe_loss(recipe, signal, clean, noisy, taught) for signal in (taught, clean))
    assert float(at) < float(off) - 5
    assert float(gain_distance(taught, taught, noisy).max()) == 0
    assert float(gain_distance(clean, taught, noisy).min()) > 0
    without = recipe_loss(recipe, clean, clean, noisy)
    assert torch.equal(without, recipe_loss(small_recipe(), clean, clean, noisy, taught))


def test_spectral_distances_see_what_they_should():
    noisy, clean = (torch.from_numpy(signal) for signal in tones(2, 8000))
    magnitudes, complex_values, _ = spectral_distances(noisy, clean, (512, 256))
    torch.testing.assert_close(magnitudes, spectral_distance(noisy, clean, (512, 256)))
    assert bool((complex_values > magnitudes).all())
    quiet, loud = (spectral_distances(clean * gain, clean, (512,)) for gain in (0.5, 2.0))
    torch.testing.assert_close(quiet[2], quiet[0])  # all of it is speech that was lost
    assert bool((loud[2] < 1e-12).all())
    assert bool((spectral_distances(-clean, clean, (512,))[1] > 100 * quiet[0]).any())
    assert bool((spectral_distances(-clean, clean, (512,))[0] < 1e-9).all())


class Taught(Tones):
    """The clean signal is silence; only the teacher knows better."""

    @contextlib.contextmanager
    def batches(self, first):
        with super().batches(first) as batches:
            yield ((noisy, 0 * clean, clean) for noisy, clean in batches)


def test_a_network_learns_from_the_teacher_alone(tmp_path):
    settings = DISTILL.replace("share = 0.5", "clean_weight = 0.0")
    faster = RECIPE.replace("steps = 6", "steps = 60", 1).replace("learning_rate = 1e-3", "learning_rate = 1e-2", 1)
    recipe, losses = small_recipe(faster + settings), []
    log = type("L", (), {"step": lambda self, k, figures: losses.append(figures["loss"])})()
    run = PhaseRun(recipe, recipe.train, tmp_path, torch.device("cpu"), log=log)
    train(float_task(recipe), Taught(recipe.train), run)
    assert sum(losses[-10:]) < sum(losses[:10]) - 10


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("teacher.onnx", "no.onnx", "no.onnx"),
        ("share = 0.5", 'chain = "gtcrm"', "'gtcrm' is no preset and no file beside the teacher, did you mean gtcrn?"),
        ("share = 0.5", "shore = 0.5", "distill.shore: means nothing, did you mean share?"),
        ("share = 0.5", "share = 0.0", "distill.share: Input should be greater than 0"),
    ],
)
def test_mistakes_are_named(place, old, new, message):
    with pytest.raises(InputError) as caught:
        teacher_of(small_recipe(RECIPE + DISTILL.replace(old, new)), place)
    assert message in str(caught.value)


def test_a_teacher_of_another_rate_is_refused(place):
    with pytest.raises(InputError, match="the teacher hears 16000 Hz, the recipe 48000 Hz"):
        TeacherFile(place / "teacher.onnx").open(48000)


def test_train_and_export_on_the_command_line(place, tmp_path, capsys, monkeypatch):
    text = RECIPES["conv-recurrent"].replace("steps = 6", "steps = 2")
    (place / "recipe.toml").write_text(text + DISTILL)
    monkeypatch.setattr("codesign.learning.distill.batches.ProcessPoolExecutor", InProcess)
    monkeypatch.setattr("codesign.learning.distill.worker.signal.signal", lambda *ignored: None)

    def codesign(*arguments):
        monkeypatch.setattr("sys.argv", ["codesign", *map(str, arguments)])
        with pytest.raises(SystemExit) as end:
            cli.main()
        return end.value.code or 0, capsys.readouterr().err

    sounds = ("--speech", place / "speech", "--noise", place / "noise", "-o", tmp_path)
    assert codesign("train", place / "recipe.toml", *sounds)[0] == 0
    code, said = codesign("export", tmp_path / "last.pt", "-o", tmp_path / "net.onnx")
    assert code == 0
    assert "codesign quantize --activations int16 makes it int8 weights, int16 values" in said
    assert load_onnx(tmp_path / "net.onnx").frontend.feature == "erb_magnitude"
    code, said = codesign("train", place / "recipe.toml", *sounds[:-1], tmp_path / "on", "--from", tmp_path / "net.onnx")
    assert code == 2
    assert "others go on from their checkpoint" in said

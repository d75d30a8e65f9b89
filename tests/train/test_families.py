# SPDX-License-Identifier: Apache-2.0
"""Families beside the paper's: what torch computes is what the file, the importer and the firmware's integers compute."""

from __future__ import annotations

import pytest

pytest.importorskip("torch", reason="no torch: pip install 'codesign[train]'")

from pathlib import Path

import numpy as np
import onnxruntime
import torch
from families import RECIPES, enhancer_of, recipe_of
from small import Tones, tones

from codesign.base.errors import InputError
from codesign.compiler.frontend.read import chain_properties
from codesign.compiler.lower import lower
from codesign.compiler.model import load_onnx
from codesign.compiler.quantize import quantize_graph
from codesign.compiler.quantize.float_run import float_run
from codesign.compiler.quantize.qdq import write_qdq
from codesign.compiler.reference.frontend import analyse
from codesign.firmware.machines import MACHINES
from codesign.firmware.toolchain import build_host
from codesign.learning.compress.cost import cost_of
from codesign.learning.compress.export import export
from codesign.learning.train.checkpoint import Checkpoint, load, resume
from codesign.learning.train.float_task import float_sizes, float_task
from codesign.learning.train.loop import PhaseRun, train
from codesign.learning.train.recipe import read_recipe
from codesign.proof.equality import equal, run_reference

FAMILIES = list(RECIPES)


def checkpoint_of(name, module):
    average = {f"network.{key}": value for key, value in module.network.state_dict().items()}
    return Checkpoint(recipe_of(name), "train", module.network.sizes, 1, average, {})


@pytest.fixture(scope="module", params=FAMILIES)
def exported(request, tmp_path_factory):
    """Name, module, file, graph and signals of a family."""
    path = tmp_path_factory.mktemp("family") / "net.onnx"
    module = enhancer_of(request.param)
    graph = export(checkpoint_of(request.param, module), path)
    return request.param, module, path, graph, tones(1, 64 * 40)[0]


def test_the_file_computes_what_torch_computes_step_by_step(exported):
    _, module, path, graph, noisy = exported
    features = module.front.analyse(torch.from_numpy(noisy))[1]
    expected = module.network(features)[0][0].detach().numpy()
    session = onnxruntime.InferenceSession(str(path))
    states = {f"{name}_in": value.numpy() for name, value in module.network.fresh_states(1).tensors().items()}
    rows = []
    for frame in features[0].numpy():
        mask, *after = session.run(None, {"features": frame[None], **states})
        states = dict(zip(states, after, strict=True))
        rows.append(mask[0])
    np.testing.assert_allclose(np.stack(rows), expected, rtol=0, atol=1e-5)
    ours = float_run(graph, features[0].numpy()).values[graph.output].reshape(expected.shape)
    np.testing.assert_allclose(ours, expected, rtol=0, atol=1e-5)
    assert chain_properties(graph.frontend) == chain_properties(module.front.config)
    assert {state.input for state in graph.states} == set(states)


def test_frames_together_are_frames_one_by_one(exported):
    _, module, _, _, noisy = exported
    features = module.front.analyse(torch.from_numpy(np.concatenate([noisy, noisy[:, ::-1].copy()])))[1]
    whole = module.network(features)[0]
    first, states, _ = module.network(features[:, :17])
    rest, _, updates = module.network(features[:, 17:], states.detach())
    torch.testing.assert_close(torch.cat([first, rest], 1), whole, rtol=0, atol=1e-5)
    assert updates.shape == rest.shape[:2]
    assert bool((updates == 1).all())


def test_costs_and_integers_on_the_host(exported, tmp_path):
    name, module, _, graph, noisy = exported
    pcm = np.rint(noisy[0] * 32767).astype(np.int16)
    quantized = quantize_graph(graph, [analyse(graph.frontend, pcm).features], "int16")
    write_qdq(quantized, tmp_path / "int16.onnx")
    integers = lower(load_onnx(tmp_path / "int16.onnx"))
    assert cost_of(module.network.sizes).macs == integers.macs
    result = run_reference(integers, pcm)
    if name == "conv-recurrent, complex":  # has every layer that the others have
        assert equal(MACHINES["host"].run(build_host(integers, tmp_path / "host"), pcm), result).ok
    real = float_run(graph, analyse(graph.frontend, pcm).features).values[graph.output].ravel()
    quant = quantized.quants[quantized.output]
    error = (result.mask.ravel().astype(np.float64) - quant.zero_point) * quant.scale - real
    assert 10 * np.log10(np.square(real).sum() / np.square(error).sum()) > 30


@pytest.mark.parametrize("name", FAMILIES)
def test_a_resumed_training_is_the_uninterrupted_one(name, tmp_path):
    recipe = recipe_of(name)
    runs = {}
    for folder, stops in (("whole", [None]), ("parts", [3, None])):
        (tmp_path / folder).mkdir()
        for stop in stops:
            last = tmp_path / folder / "last.pt"
            before = resume(last, recipe, "train") if last.exists() else None
            run = PhaseRun(recipe, recipe.train, tmp_path / folder, torch.device("cpu"), stop_after=stop)
            runs[folder] = train(float_task(recipe), Tones(recipe.train), run, before)
    assert load(tmp_path / "whole" / "last.pt").sizes == float_sizes(recipe)
    for kind in ("current", "average"):
        one, other = getattr(runs["whole"], kind), getattr(runs["parts"], kind)
        assert all(torch.equal(value, other[key]) for key, value in one.items())
    moved = runs["whole"].network
    assert any(not torch.equal(value, float_task(recipe).module.network.state_dict()[key]) for key, value in moved.items())


@pytest.mark.parametrize("name", FAMILIES[1:])
def test_training_learns(name, tmp_path):
    recipe = recipe_of(name, ("steps = 6", "steps = 30"), ("learning_rate = 1e-3", "learning_rate = 1e-2"))
    losses = []
    log = type("L", (), {"step": lambda self, k, figures: losses.append(figures["loss"])})()
    train(float_task(recipe), Tones(recipe.train), PhaseRun(recipe, recipe.train, tmp_path, torch.device("cpu"), log=log))
    assert sum(losses[-10:]) < sum(losses[:10]) - 10


@pytest.mark.parametrize(
    ("name", "old", "new", "message"),
    [
        ("gru", 'family = "gru"', 'family = "grus"', "family 'grus' is not one of lstm, gru, conv-recurrent, did you mean gru"),
        ("gru", "gru = [16, 12]", "gur = [16, 12]", "network.gur: means nothing, did you mean gru?"),
        ("conv-recurrent", "hidden = 8", "hiden = 8", "network.hiden: means nothing, did you mean hidden?"),
        ("conv-recurrent", "warmup = 2", "warm_up = 2", "train.warm_up: means nothing, did you mean warmup?"),
        ("conv-recurrent", "n_mels = 16", "n_mels = 18", "18 frequencies cannot be halved 2 times"),
        ("conv-recurrent", "hidden = 8", "groups = 3", "groups 3 does not divide channels 8, 8"),
        ("conv-recurrent, complex", "direct = 16", "direct = 60", "direct 60 and bands 8 are more than 65 bins"),
        ("gru", "n_mels = 12", 'feature = "spectrum"', "the family gru takes bands, not 'spectrum'"),
    ],
)
def test_mistakes_in_a_recipe_are_named(name, old, new, message):
    with pytest.raises(InputError) as caught:
        float_sizes(recipe_of(name, (old, new)))
    assert message in str(caught.value)


def test_normalizations_stop_going_by_the_batch(tmp_path):
    recipe = recipe_of("conv-recurrent", ("steps = 6", "steps = 6\nnormalize = 0.5"))
    task, seen = float_task(recipe), []

    def look(what, step, steps):
        norm = task.module.network.get_submodule("down0.norm")
        seen.append((step, norm.training, norm.running_mean.clone()))

    run = PhaseRun(recipe, recipe.train, tmp_path, torch.device("cpu"), show=look)
    average = train(task, Tones(recipe.train), run).network["down0.norm.running_mean"]
    assert [training for _, training, _ in seen] == [True] * 3 + [False] * 3
    assert not torch.equal(seen[1][2], seen[2][2])
    assert torch.equal(seen[2][2], seen[5][2])
    assert not torch.equal(average, seen[5][2])  # a mean over steps, as the weights are


def test_the_example_is_a_small_network():
    recipe = read_recipe(Path(__file__).parents[2] / "examples" / "conv-recurrent.toml")
    sizes = float_sizes(recipe)
    assert sum(sizes.weights().values()) + sizes.biases() < 45_000
    assert sum(sizes.macs().values()) < 400_000
    assert recipe.config.hop_ms == 16.0

# SPDX-License-Identifier: Apache-2.0
"""The gate learns to rest, and the firmware's C code rests where training said it would."""

from __future__ import annotations

import pytest

pytest.importorskip("torch", reason="no torch: pip install 'codesign[train]'")

import numpy as np
import torch
from small import Tones, enhancer, small_recipe, tones

from codesign.compiler.lower import lower
from codesign.compiler.model import load_onnx
from codesign.firmware.machines import MACHINES
from codesign.firmware.toolchain.host import build_host
from codesign.learning.compress.export import export
from codesign.learning.compress.pipeline import _task as compress_task
from codesign.learning.compress.quantized import QuantizedEnhancer
from codesign.learning.compress.quantizing import calibrated
from codesign.learning.compress.skip import SkipTask, UpdatePenalty
from codesign.learning.train.checkpoint import Checkpoint
from codesign.learning.train.loop import PhaseRun, train


def test_skipped_steps_change_nothing_and_gates_follow_the_paper():
    network = enhancer(skip=True).network
    features = torch.rand(3, 60, 12)
    states, gate, delta = network.fresh_states(3), torch.ones(3, 1), torch.zeros(3, 1)
    for frame in features.unbind(1):
        mask, after, updates = network(frame[:, None], states)
        for item in range(3):
            opened = bool(gate[item] >= 0.5)
            assert bool(updates[item, 0]) == opened
            for old, new in zip(states.layers, after.layers, strict=True):
                assert all(torch.equal(a[item], b[item]) != opened for a, b in zip(old, new, strict=True))
            if opened:
                delta[item] = torch.sigmoid(network.get_submodule("skip")(after.layers[-1][0][item]))
                gate[item] = delta[item]
            else:
                gate[item] = min(float(gate[item] + delta[item]), 1.0)
        torch.testing.assert_close(after.gate[0], gate, rtol=0, atol=1e-6)
        states = after
        assert mask.shape == (3, 1, 12)


def test_task_learns_to_skip_to_the_wanted_share(tmp_path):
    recipe, source = small_recipe(), enhancer()
    settings = recipe.skip.model_copy(update={"steps": 150, "learning_rate": 5e-3, "seconds": 0.3})
    task = SkipTask(recipe, settings, source.network.sizes, dict(source.network.state_dict()))
    shares = []
    log = type("L", (), {"step": lambda self, step, figures: shares.append(figures["updates"])})()
    train(task, Tones(settings), PhaseRun(recipe, settings, tmp_path, torch.device("cpu"), log=log))
    assert shares[0] == 1.0
    assert np.mean(shares[-30:]) < 0.62


def test_penalty_grows_until_updates_fall():
    penalty, share = UpdatePenalty(0.4), 1.0
    for _ in range(2000):
        penalty.observe(share)
        share = float(np.clip(share + 0.02 * (1.0 - penalty.strength * share), 0.05, 1.0))
    assert abs(share - 0.4) < 0.05


def test_firmware_skips_where_training_did(tmp_path):
    source = enhancer(skip=True)
    weights, config = dict(source.network.state_dict()), small_recipe().config
    noisy = torch.from_numpy(tones(1, 32000)[0])
    rounding = calibrated(source.network.sizes, weights, config, [noisy[0, :6400]])
    module = QuantizedEnhancer.of(config, source.network.sizes, weights, rounding)
    progress = {"task": {"cell_fractions": list(module.cell_fractions)}}
    average = {name: value.clone() for name, value in module.state_dict().items()}
    export(Checkpoint(small_recipe(), "quantize", source.network.sizes, 1, average, {}, {}, progress), tmp_path / "net.onnx")
    pcm = np.clip(np.rint(noisy[0].numpy() * 32768), -32768, 32767).astype(np.int16)
    run = MACHINES["host"].run(build_host(lower(load_onnx(tmp_path / "net.onnx")), tmp_path / "build"), pcm)
    # The same integers into both: features of the C front end may differ from torch's by one.
    rows = torch.from_numpy(run.features.astype(np.float32))[None]
    mask, _, updates = module.step_integers(rows)
    np.testing.assert_array_equal(~run.skipped, updates[0].detach().numpy().astype(bool))
    np.testing.assert_array_equal(run.mask, np.rint(mask[0].detach().numpy() * 32768))
    assert 50 < run.skipped.sum() < 450


def test_quantization_goes_on_with_the_penalty_that_was_learned():
    recipe, source = small_recipe(), enhancer(skip=True)
    tensors = {f"network.{name}": value for name, value in source.network.state_dict().items()}
    learned = {"task": {"penalty": {"integral": 2.5, "mean": 0.41}}}
    state = Checkpoint(recipe, "skip", source.network.sizes, 40, tensors, tensors, {}, learned)
    task = compress_task("quantize", recipe, state, None, Tones(recipe.quantize))
    assert (task.penalty.integral, task.penalty.mean) == (2.5, 0.41)

# SPDX-License-Identifier: Apache-2.0
"""The convolutional-recurrent family from random weights to the image: it learns, shrinks, rounds, and runs bit for bit."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch", reason="no torch: pip install 'codesign[train]'")

import numpy as np
from families import recipe_of
from small import Tones, tones

from codesign.compiler.lower import lower
from codesign.compiler.model import load_onnx
from codesign.firmware.boards import load_board
from codesign.firmware.machines import MACHINES
from codesign.firmware.toolchain import build_bare, build_host
from codesign.learning.compress.budget import Target
from codesign.learning.compress.export import export
from codesign.learning.compress.pipeline import PhaseContext, compress
from codesign.learning.train.checkpoint import load
from codesign.learning.train.float_task import float_task
from codesign.learning.train.log import Log
from codesign.learning.train.loop import PhaseRun, train
from codesign.learning.train.losses import si_sdr
from codesign.learning.train.network import EnhancerModule
from codesign.proof.equality import equal, run_reference

STEPS = 150
CHANGES = (
    ("[skip]\nsteps = 40\nbatch = 2\nseconds = 0.1\nupdates = 0.4\n", ""),
    (
        "steps = 6\nbatch = 2\nseconds = 0.1\nlearning_rate = 1e-3",
        f"steps = {STEPS}\nbatch = 4\nseconds = 0.2\nlearning_rate = 1e-2",
    ),
    ("validate_every = 3\n[prune]", f"validate_every = {STEPS}\naverage = 0.95\n[prune]"),
    ("steps = 60", "steps = 40"),
)


@pytest.fixture(scope="module")
def learned(tmp_path_factory):
    """The recipe, the folder of its run, and its losses."""
    folder = tmp_path_factory.mktemp("learned")
    recipe, losses = recipe_of("conv-recurrent", *CHANGES), []

    class Kept(Log):
        def step(self, step, figures):
            losses.append(figures["loss"])

    run = PhaseRun(recipe, recipe.train, folder, torch.device("cpu"), log=Kept())
    train(float_task(recipe), Tones(recipe.train), run)
    return recipe, folder, losses


def improvement(recipe, checkpoint):
    """dB of SI-SDR over the input, on mixtures that training did not hear, as on the device: no figure of the batch."""
    module = EnhancerModule(recipe.config, checkpoint.sizes).eval()
    module.network.load_state_dict(checkpoint.network)
    noisy, clean = (torch.from_numpy(signal) for signal in tones(8, 9600, seed=10**7))
    with torch.no_grad():
        enhanced = module(noisy)[0]
    return float((si_sdr(enhanced, clean[:, : enhanced.shape[1]]) - si_sdr(noisy, clean)).mean())


def test_it_learns(learned):
    recipe, folder, losses = learned
    assert len(losses) == STEPS
    assert np.mean(losses[-20:]) < np.mean(losses[:20]) - 2
    assert improvement(recipe, load(folder / "last.pt")) > 2


def test_what_it_learned_reaches_the_image(learned, tmp_path):
    recipe, folder, _ = learned
    target = Target(2700, 7000)
    result = compress(recipe, folder / "last.pt", target, PhaseContext(tmp_path, torch.device("cpu"), Tones))
    assert target.excess(result.after) <= 1.0 < target.excess(result.before)
    export(load(result.checkpoint), tmp_path / "small.onnx")
    network = lower(load_onnx(tmp_path / "small.onnx"))
    assert (network.macs, network.values[network.output].dtype) == (result.after.macs, "int16")
    pcm = (tones(1, 40 * network.frontend.hop, seed=3)[0][0] * 32767).astype(np.int16)
    reference = run_reference(network, pcm)
    assert np.abs(reference.pcm).max() > 100
    assert equal(MACHINES["host"].run(build_host(network, tmp_path / "host"), pcm), reference).ok
    image = build_bare(network, load_board("nrf5340dk"), tmp_path / "bare")
    assert equal(MACHINES["unicorn"].run(image, pcm), reference).ok

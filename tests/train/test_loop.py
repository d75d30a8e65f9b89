# SPDX-License-Identifier: Apache-2.0
"""Runs that stop and go on, checkpoints that are not what they should be, disks that are full."""

from __future__ import annotations

import pytest

pytest.importorskip("torch", reason="no torch: pip install 'codesign[train]'")

import contextlib
import errno
import signal

import torch
from small import RECIPE, Tones, small_recipe, tones

from codesign.base.errors import InputError, ValidationError
from codesign.learning.train import checkpoint
from codesign.learning.train.checkpoint import load, resume
from codesign.learning.train.float_task import float_task
from codesign.learning.train.log import Log
from codesign.learning.train.loop import PhaseRun, learning_rate, train
from codesign.learning.train.validation import Heard, Judged


def run(folder, recipe=None, start=None, stop_after=None, **more):
    folder.mkdir(exist_ok=True)
    recipe = recipe or small_recipe()
    where = PhaseRun(recipe, recipe.train, folder, torch.device("cpu"), stop_after=stop_after, **more)
    return train(float_task(recipe), Tones(recipe.train), where, start)


def test_resumed_run_is_the_uninterrupted_one(tmp_path):
    whole = run(tmp_path / "whole")
    run(tmp_path / "parts", stop_after=3)
    rest = run(tmp_path / "parts", start=resume(tmp_path / "parts" / "last.pt", small_recipe(), "train"))
    assert rest.step == whole.step == 6
    for name, value in whole.current.items():
        assert torch.equal(value, rest.current[name]), name
        assert torch.equal(whole.average[name], rest.average[name]), name
    assert all(torch.equal(value, rest.progress["states"][name]) for name, value in whole.progress["states"].items())


def test_training_learns(tmp_path):
    recipe = small_recipe(RECIPE.replace("steps = 6", "steps = 60").replace("learning_rate = 1e-3", "learning_rate = 1e-2"))
    losses = []
    run(tmp_path, recipe, log=type("L", (), {"step": lambda self, k, figures: losses.append(figures["loss"])})())
    assert sum(losses[-10:]) < sum(losses[:10]) - 10


def test_validation_keeps_the_best_and_stops_early(tmp_path):
    recipe = small_recipe(RECIPE.replace("steps = 6", "steps = 30\npatience = 2", 1))
    scores = iter([1.0, 3.0, 2.0, 2.5, 9.0])
    last = run(tmp_path, recipe, validate=lambda module: Judged(next(scores)))
    assert last.step == 12  # validated at 3, 6, 9 and 12
    assert load(tmp_path / "best.pt").step == 6


def test_log_goes_to_tensorboard_and_to_lines(tmp_path):
    pytest.importorskip("tensorboard")
    lines = []
    log = Log(lines.append, tmp_path / "log", 'name = "small"')
    for step in range(1, 51):
        log.step(step, {"loss": float(step), "spectral": 2.0})
    noisy, clean = (torch.from_numpy(signal[0]) for signal in tones(1, 8000))
    log.validation(50, Judged(4.25, {"si_sdr": 4.25, "estoi": 0.6581, "pesq": 1.5}, (Heard(16000, noisy, noisy, clean),)))
    assert lines == [
        "step 50 loss 25.5 spectral 2",
        "step 50 validation SI-SDR 4.25 dB, ESTOI 0.658, PESQ-WB 1.50",
    ]
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    written = EventAccumulator(str(tmp_path / "log")).Reload()
    tags = written.Tags()
    assert {"loss", "spectral", "validation/si_sdr", "validation/estoi", "validation/pesq"} <= set(tags["scalars"])
    assert {f"mixture 0/{kind}" for kind in ("noisy", "enhanced", "clean")} <= set(tags["audio"]) & set(tags["images"])
    assert "small" in written.Tensors("recipe/text_summary")[0].tensor_proto.string_val[0].decode()


def test_learning_rate_warms_up_and_falls():
    settings = small_recipe().train.model_copy(update={"steps": 100, "warmup": 10, "learning_rate": 1.0})
    rates = [learning_rate(settings, step) for step in range(100)]
    assert rates[0] == pytest.approx(0.1)
    assert max(rates) == rates[9] or max(rates) == rates[10]
    assert rates[99] == pytest.approx(0.01)


def test_divergence_is_said_and_the_checkpoint_stays(tmp_path):
    run(tmp_path, stop_after=2)
    recipe = small_recipe()
    task = float_task(recipe)
    settings = recipe.train.model_copy(update={"steps": 100})
    task.loss = lambda noisy, clean, states: (
        sum(p.sum() for p in task.module.parameters()) * torch.tensor(float("nan")),
        task.module.network.fresh_states(2),
        {},
    )
    with pytest.raises(ValidationError, match="diverged: 20 steps without a finite gradient"):
        train(task, Tones(settings), PhaseRun(recipe, settings, tmp_path, torch.device("cpu")))
    assert load(tmp_path / "last.pt").step == 2


def test_checkpoint_of_another_recipe_is_refused(tmp_path):
    run(tmp_path, stop_after=1)
    other = small_recipe(RECIPE.replace("lstm = [16, 12]", "lstm = [16, 16]"))
    with pytest.raises(InputError, match=r"last\.pt is of another recipe: network\.lstm differs; go on with the recipe"):
        resume(tmp_path / "last.pt", other, "train")
    with pytest.raises(InputError, match="is a checkpoint of the phase 'train', not 'prune'"):
        resume(tmp_path / "last.pt", small_recipe(), "prune")


@pytest.mark.parametrize("damage", ["cut", "text", "toml", "recipe", "empty", "flipped"])
def test_damaged_checkpoint_is_one_clear_line(tmp_path, damage):
    run(tmp_path, stop_after=1)
    path = tmp_path / "last.pt"
    whole = path.read_bytes()
    changed = bytearray(whole)
    changed[len(whole) // 3] ^= 255
    texts = {"text": b"hello", "toml": b"a = = 3\n", "recipe": b'name = "mine"\n[network]\nlstm = [16]\n', "empty": b""}
    path.write_bytes({**texts, "cut": whole[: len(whole) // 2], "flipped": bytes(changed)}[damage])
    if damage == "flipped":  # a flipped weight may go unnoticed, nothing else
        with contextlib.suppress(InputError):
            assert load(path).step == 1
        return
    with pytest.raises(InputError, match=r"last\.pt is (damaged or no checkpoint|empty); [^\n]+$"):
        load(path)


def test_pickled_code_is_not_run(tmp_path):
    import pickle

    class Evil:
        def __reduce__(self):
            return (open, (str(tmp_path / "was-here"), "w"))

    torch.save({"format": 1, "recipe": Evil()}, tmp_path / "evil.pt")
    (tmp_path / "plain.pt").write_bytes(pickle.dumps(Evil()))
    for name in ("evil.pt", "plain.pt"):
        with pytest.raises(InputError, match="damaged or no checkpoint"):
            load(tmp_path / name)
    assert not (tmp_path / "was-here").exists()


def test_other_tensors_are_no_checkpoint(tmp_path):
    torch.save({"weight": torch.zeros(3)}, tmp_path / "some.pt")
    with pytest.raises(InputError, match=r"some\.pt is no checkpoint"):
        load(tmp_path / "some.pt")
    with pytest.raises(InputError, match=r"cannot read .*none\.pt"):
        load(tmp_path / "none.pt")


@pytest.mark.parametrize(
    "error", [OSError(errno.ENOSPC, "No space left on device"), RuntimeError("PytorchStreamWriter failed writing")]
)
def test_full_disk_loses_nothing(tmp_path, monkeypatch, error):
    run(tmp_path, stop_after=2)

    def fail(content, path):
        path.write_bytes(b"half")
        raise error

    monkeypatch.setattr(checkpoint.torch, "save", fail)
    with pytest.raises(InputError, match=r"cannot write .*last\.pt"):
        run(tmp_path, start=load(tmp_path / "last.pt"))
    monkeypatch.undo()
    assert load(tmp_path / "last.pt").step == 2
    assert [path.name for path in tmp_path.iterdir()] == ["last.pt"]


def test_ctrl_c_saves_the_step_that_was_reached(tmp_path):
    recipe = small_recipe()

    def interrupt(what, step, steps):
        if step == 2:
            signal.raise_signal(signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        run(tmp_path, recipe, show=interrupt)
    assert load(tmp_path / "last.pt").step == 2
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    rest = run(tmp_path, recipe, start=resume(tmp_path / "last.pt", recipe, "train"))
    whole = run(tmp_path / "whole", recipe)
    assert all(torch.equal(value, rest.current[name]) for name, value in whole.current.items())

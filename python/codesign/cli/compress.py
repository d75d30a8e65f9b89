# SPDX-License-Identifier: Apache-2.0
"""codesign compress: a float checkpoint to a smaller one that computes as the firmware does."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, get_args

import typer

from codesign.base.files import make_folder
from codesign.base.files.output_file import check_files
from codesign.cli.console import cells, emit_json, progress, say, stderr, table
from codesign.cli.hints import from_a_checkpoint
from codesign.cli.options import Device, Json, Noise, PairedSpeech, Rooms, RunFolder, Speech

WRITTEN = ("last.pt", "best.pt", "rebuilt.pt")
"""Checkpoints in the folder of a phase."""


def command(
    checkpoint: Annotated[Path, typer.Argument(help="What codesign train wrote, or an ONNX model.", show_default=False)],
    recipe: Annotated[Path, typer.Argument(help="A recipe with [prune], [recover], [skip] or [quantize].", show_default=False)],
    output: RunFolder,
    speech: Speech = None,
    noise: Noise = None,
    pairs: PairedSpeech = None,
    rooms: Rooms = None,
    board: Annotated[str, typer.Option("--board", "-b", help="Fit this board where [prune] gives no budget.")] = "",
    device: Device = "auto",
    json: Json = False,
) -> None:
    """Prune, train on, teach to skip and quantize a trained network, as far as the recipe says so; a stopped run goes on.

    Example: codesign compress runs/baseline/last.pt recipe.toml --speech speech/ --noise noise/ -o runs/pruned
    """
    from codesign.firmware.boards import load_board
    from codesign.learning.train.device import device_named
    from codesign.learning.train.recipe import PhaseName, read_recipe

    plan = read_recipe(recipe)
    where = device_named(device)
    from codesign.learning.compress.board_target import board_target
    from codesign.learning.compress.budget import Target
    from codesign.learning.compress.pipeline import PhaseContext, compress
    from codesign.learning.data import Folders
    from codesign.learning.distill.source import batch_source, teacher_of
    from codesign.learning.train.initial_weights import initial_weights
    from codesign.learning.train.memory import keep_freed_memory
    from codesign.learning.train.source import data_of, validation_pairs
    from codesign.learning.train.validation import Validation

    target = None
    if board:
        target = board_target(load_board(board), plan.config, initial_weights(checkpoint).sizes.instructions_per_mac)
    if plan.prune is not None and plan.prune.bytes is not None and plan.prune.macs is not None:
        target = Target(plan.prune.bytes, plan.prune.macs)
    elif target is not None:
        say(f"{board}: about {target.bytes:,} bytes and {target.macs:,} MACs a frame are left for the network (estimate)")
    teacher_of(plan, recipe.parent)
    make_folder(output)
    phases = (output / phase for phase in get_args(PhaseName))
    check_files([output / "last.pt"], [checkpoint, recipe])
    check_files([folder / name for folder in phases if folder.is_dir() for name in WRITTEN], [checkpoint, recipe])
    keep_freed_memory()
    with progress() as show, from_a_checkpoint():
        data = data_of(plan, Folders(speech, noise, pairs, rooms), show)
        for note in data.notes:
            say(note)
        last = plan.quantize or plan.skip or plan.recover or plan.train
        score = Validation(*validation_pairs(data, plan), where, plan.config.sample_rate, last.select)
        context = PhaseContext(output, where, lambda phase: batch_source(data, plan, phase, recipe.parent), score, show, say)
        result = compress(plan, checkpoint, target, context)
    if json:
        emit_json("compress", result=result)
        return
    rows = table("Cost", "", "before", "after", "times less")
    float_ratio = result.float_bytes_before / result.after.bytes
    for name, old, new, ratio in (
        ("bytes", result.float_bytes_before, result.after.bytes, float_ratio),
        ("MACs, worst frame", result.before.macs, result.after.macs, result.before.macs / result.after.macs),
        ("MACs, average frame", result.before.macs, result.average_macs, result.before.macs / result.average_macs),
    ):
        rows.add_row(*cells(name, f"{old:,}", f"{new:,.0f}", f"{ratio:.2f}"))
    stderr.print(rows)
    say(f"wrote {result.checkpoint}; codesign export {result.checkpoint} makes the ONNX file")

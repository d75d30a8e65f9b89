# SPDX-License-Identifier: Apache-2.0
"""The best few of a search: compressed as the recipe says, quantized, and proven on their board."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import numpy as np
from pydantic import TypeAdapter

from codesign.base.files.output_file import replace_file
from codesign.base.progress import Progress
from codesign.base.toml import toml_text
from codesign.compiler.frontend import whole_hops
from codesign.compiler.model import load_onnx
from codesign.compiler.quantize.calibrate import quantize_graph
from codesign.compiler.quantize.qdq import write_qdq
from codesign.compiler.reference.frontend import analyse
from codesign.firmware.boards import Board, load_board
from codesign.firmware.machines import bare_machine
from codesign.learning.train.recipe import Recipe
from codesign.proof.recordings import Recording
from codesign.search.driver import Material, trial_folder
from codesign.search.front import Front, Proven, TrialResult
from codesign.search.space import Space

if TYPE_CHECKING:
    from codesign.learning.compress.budget import Target
    from codesign.learning.data import TrainingData
    from codesign.proof.proof import Proof

KEPT = "proven.json"
NETWORKS = "networks"
"""Folder of a search in which finished networks are."""


def proven_of(folder: Path) -> dict[int, Proven]:
    """What was proven so far, by trial."""
    found = {}
    for path in folder.glob(f"{NETWORKS}/trial-*/{KEPT}"):
        number = path.parent.name.removeprefix("trial-")
        if number.isdecimal():
            found[int(number)] = TypeAdapter(Proven).validate_json(path.read_bytes())
    return found


class Prove(Protocol):
    """codesign.pipeline.prove."""

    def __call__(
        self, model: Path, board: Board, folder: Path, recordings: Sequence[Recording], *, emulator: str, progress: Progress
    ) -> Proof: ...


def network_folder(folder: Path, number: int) -> Path:
    """Where a finished network of a search is."""
    return folder / NETWORKS / f"trial-{number}"


def finalists(front: Front, count: int) -> tuple[TrialResult, ...]:
    """`count` trained trials of the front, spread over it: the best by the first objective, the last, and between them."""
    best = [one for one in front.best if one.state == "trained"]
    if len(best) <= count:
        return tuple(best)
    places = np.linspace(0, len(best) - 1, count).round().astype(int) if count > 1 else np.zeros(count, int)
    return tuple(best[place] for place in places)


def write_recipe(recipe: Recipe, number: int, folder: Path) -> Recipe:
    """Write the recipe of a trial, named after it, as recipe.toml into `folder`; returns it."""
    named = recipe.model_copy(update={"name": f"{recipe.name}-{number}"[:64]})
    tables: Mapping[str, object] = named.model_dump(mode="json", exclude_none=True)
    with replace_file(folder / "recipe.toml") as temporary:
        temporary.write_text(toml_text(tables), encoding="utf-8")
    return named


def finish(
    space: Space, material: Material, found: TrialResult, prove: Prove, show: Progress, say: Callable[[str], None]
) -> Proven:
    """Compress, quantize and prove a trained trial. What is there already is not made again.

    Raises:
        CodesignError: as of compressing, building and running.
    """
    from codesign.learning.train.source import data_of, validation_pairs

    folder = network_folder(material.folder, found.number)
    kept = folder / KEPT
    if (before := proven_of(material.folder).get(found.number)) is not None:
        return before
    folder.mkdir(parents=True, exist_ok=True)
    recipe = write_recipe(space.recipe(found.values), found.number, folder)
    data = data_of(recipe, material.recordings, show)
    noisy, clean = (_pcm(signals) for signals in validation_pairs(data, recipe))
    model = folder / f"{recipe.name}.onnx"
    _quantize(space, material, recipe, found, data, noisy, model, show, say)
    recordings = [Recording(f"validation {n}", one, other) for n, (one, other) in enumerate(zip(noisy, clean, strict=True))]
    board = load_board(found.board)
    emulator = bare_machine(board).name
    verdict = prove(model, board, folder / "proof", recordings, emulator=emulator, progress=show).verdict
    memory = {check.name: check.detail for check in verdict.checks}
    say(f"trial {found.number} on {found.board}: {'PROVEN' if verdict.ok else 'NOT PROVEN'}")
    result = Proven(
        model=str(model.relative_to(material.folder)),
        board=found.board,
        ok=verdict.ok,
        failed=tuple(f"{check.name}: {memory[check.name]}" for check in verdict.checks if not check.ok),
        si_sdr_db=float(np.mean([quality.si_sdr_enhanced for quality in verdict.quality])),
        worst_ms=verdict.latency.worst_ms if verdict.latency else None,
        flash=verdict.footprint.flash if verdict.footprint else None,
        ram=verdict.footprint.ram if verdict.footprint else None,
    )
    with replace_file(kept) as temporary:
        temporary.write_bytes(TypeAdapter(Proven).dump_json(result, indent=1))
    return result


def _quantize(
    space: Space,
    material: Material,
    recipe: Recipe,
    found: TrialResult,
    data: TrainingData,
    noisy: Sequence[np.ndarray[tuple[int], np.dtype[np.int16]]],
    model: Path,
    show: Progress,
    say: Callable[[str], None],
) -> None:
    """Write the quantized model: after the recipe's phases where it has any, else by calibration on `noisy`."""
    from codesign.learning.compress.export import export
    from codesign.learning.compress.pipeline import PhaseContext, compress
    from codesign.learning.distill.source import batch_source
    from codesign.learning.train.checkpoint import load
    from codesign.learning.train.device import device_named

    source = trial_folder(material.folder, found.number) / "last.pt"
    beside = space.recipe_folder
    if any((recipe.prune, recipe.recover, recipe.skip, recipe.quantize)):
        context = PhaseContext(
            model.parent,
            device_named(material.device),
            lambda phase: batch_source(data, recipe, phase, beside),
            show=show,
            say=say,
        )
        source = compress(recipe, source, _target(recipe, found), context).checkpoint
    state = load(source)
    if state.phase == "quantize":
        export(state, model)
        return
    float_model = model.with_name(f"{model.stem}-float.onnx")
    export(state, float_model)
    graph = load_onnx(float_model)
    features = [analyse(graph.frontend, whole_hops(one, graph.frontend.hop)).features for one in noisy]
    write_qdq(quantize_graph(graph, features, space.activations(found.values)), model)


def _target(recipe: Recipe, found: TrialResult) -> Target | None:
    from codesign.learning.compress.board_target import board_target
    from codesign.learning.compress.budget import Target
    from codesign.learning.train.float_task import float_sizes

    if recipe.prune is None:
        return None
    if recipe.prune.bytes is not None and recipe.prune.macs is not None:
        return Target(recipe.prune.bytes, recipe.prune.macs)
    return board_target(load_board(found.board), recipe.config, float_sizes(recipe).instructions_per_mac)


def _pcm(signals: np.ndarray) -> list[np.ndarray[tuple[int], np.dtype[np.int16]]]:  # type: ignore[type-arg]
    return [(signal * 32768.0).round().clip(-32768, 32767).astype(np.int16) for signal in signals]

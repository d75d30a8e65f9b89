# SPDX-License-Identifier: Apache-2.0
"""What a network of some sizes costs on boards: an image is built with untrained weights and emulated. Nothing is estimated
from sizes; weights change neither memory nor, without a skip gate, what a frame executes.
"""

from __future__ import annotations

import hashlib
import json
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from codesign import __version__
from codesign.base.errors import CodesignError, InputError, ToolError, one_line
from codesign.base.files.output_file import replace_file
from codesign.compiler.frontend import whole_hops
from codesign.compiler.lower import lower
from codesign.compiler.lower.network import Network
from codesign.compiler.quantize.calibrate import Activations, quantize_graph
from codesign.compiler.reference.frontend import analyse
from codesign.firmware.boards import Board, load_board
from codesign.firmware.machines import bare_machine
from codesign.firmware.machines.machine import RunOptions
from codesign.firmware.size.size import size
from codesign.learning.train.recipe import Recipe
from codesign.proof.checks import cost_of, energy_of, latency_of
from codesign.proof.delay import delay_of
from codesign.search.figures import FIGURES

FRAMES = 6
"""Counted frames: all execute the same, the first ones may find states at zero."""
CALIBRATION_FRAMES = 64
LEVEL = 3000.0
"""Of the noise that an untrained network hears, in LSB."""


@dataclass(frozen=True)
class ShapeCost:
    """An image on one board. `figures` are by the names of FIGURES; `excess` says for each limit how many times it the figure
    is, less 1: up to 0 fits. `reason` says why there is no image, "" where there is one.
    """

    board: str
    figures: Mapping[str, float]
    excess: Mapping[str, float]
    reason: str = ""

    @property
    def fits(self) -> bool:
        """Whether it can be lowered and is within every limit."""
        return not self.reason and all(value <= 0.0 for value in self.excess.values())

    @property
    def violation(self) -> float:
        """How far it is over all limits together; infinite where there is no image."""
        return float("inf") if self.reason else sum(max(0.0, value) for value in self.excess.values())


def shape_cost(
    recipe_json: str, activations: Activations, boards: tuple[str, ...], limits: Mapping[str, float], folder: str
) -> tuple[ShapeCost, ...]:
    """The cost of the recipe's network on each board, kept in `folder` under what it depends on.

    Raises:
        ToolError: no compiler, no emulator, no torch.
    """
    recipe = Recipe.model_validate_json(recipe_json)
    cards = [load_board(name) for name in boards]
    shape = [*FIGURES, recipe.network.model_dump(mode="json"), recipe.front_end, activations, dict(limits), __version__]
    key = json.dumps([*shape, *(card.model_dump(mode="json") for card in cards)], sort_keys=True)
    kept = Path(folder) / f"{hashlib.sha256(key.encode()).hexdigest()[:20]}.json"
    if kept.is_file():
        return tuple(ShapeCost(**cost) for cost in json.loads(kept.read_text(encoding="utf-8")))
    from codesign.learning.train.float_task import float_sizes

    try:
        network = untrained_network(recipe, activations)
        weights = float(sum(float_sizes(recipe).weights().values()))
        costs = tuple(_on_board(network, card, limits, weights) for card in cards)
    except ToolError:
        raise
    except CodesignError as error:  # a network that cannot be built is none of the search
        costs = tuple(ShapeCost(card.name, {}, {}, one_line(error.message)) for card in cards)
    with replace_file(kept) as temporary:
        temporary.write_text(json.dumps([asdict(cost) for cost in costs], indent=1), encoding="utf-8")
    return costs


def best_board(costs: Sequence[ShapeCost]) -> ShapeCost:
    """The first board that the network fits, else the one that it is least above."""
    return next((cost for cost in costs if cost.fits), min(costs, key=lambda cost: cost.violation))


def untrained_network(recipe: Recipe, activations: Activations) -> Network:
    """The integer network of a recipe with random weights, calibrated on noise.

    Raises:
        InputError: sizes and front end do not go together, or the network cannot be lowered.
    """
    import torch

    from codesign.learning.compress.graph import network_graph
    from codesign.learning.families.export import step_graph, step_model
    from codesign.learning.families.lstm import LstmSizes
    from codesign.learning.train.float_task import float_sizes

    sizes = float_sizes(recipe)
    torch.manual_seed(recipe.seed)
    module = sizes.network(recipe.config)
    if isinstance(sizes, LstmSizes):
        weights = {name: value.numpy() for name, value in module.state_dict().items()}
        graph = network_graph(sizes, weights, recipe.config, recipe.name)
    else:
        graph = step_graph(step_model(module, recipe.config, recipe.name))
    return lower(quantize_graph(graph, [analyse(graph.frontend, _noise(recipe, CALIBRATION_FRAMES)).features], activations))


def _noise(recipe: Recipe, frames: int) -> np.ndarray[tuple[int], np.dtype[np.int16]]:
    samples = np.random.default_rng(recipe.seed).standard_normal(recipe.config.hop * frames) * LEVEL
    return whole_hops(samples.clip(-32768, 32767).astype(np.int16), recipe.config.hop)


def _on_board(network: Network, board: Board, limits: Mapping[str, float], weights: float) -> ShapeCost:
    machine, chain = bare_machine(board), network.frontend
    pcm = (np.random.default_rng(1).standard_normal(chain.hop * FRAMES) * LEVEL).clip(-32768, 32767).astype(np.int16)
    with tempfile.TemporaryDirectory() as folder:
        image = machine.build(network, board, Path(folder) / "image", profile=True)
        run = machine.run(image, pcm, RunOptions(FRAMES, Path(folder) / "run"))
        memory = size(image)
        cost = cost_of(run, image)
        if run.counts is None or cost is None:
            raise InputError(f"{board.name}: {machine.name} counts nothing there", hint="search for a board that it emulates")
        latency, delay = latency_of(run.counts, cost, image), delay_of(run, image, pcm)
    used = {check.name.lower(): check for check in memory.budget}
    figures = {
        "worst_ms": latency.worst_ms,
        "delay_ms": delay.total_ms,
        "flash": float(used["flash"].used),
        "ram": float(used["ram"].used),
        "macs": float(latency.macs),
        "weights": weights,
    }
    if (energy := energy_of(latency, board)) is not None:
        figures["energy_uj"] = energy.frame_uj
    deadline = min(board.budget.worst_frame_ms, latency.deadline_ms)
    excess = {
        "flash": used["flash"].used / used["flash"].limit - 1.0,
        "ram": used["ram"].used / used["ram"].limit - 1.0,
        "worst_ms": latency.worst_ms * (1.0 + latency.error) / deadline - 1.0,
        "delay_ms": delay.total_ms / board.budget.delay_ms - 1.0 if board.budget.delay_ms else -1.0,
    }
    for name, limit in limits.items():
        if name not in figures:
            raise InputError(f"limits.{name}: board {board.name} has no [energy] in its card", hint="leave the limit out")
        excess[f"limit {name}"] = figures[name] / limit - 1.0
    return ShapeCost(board.name, figures, excess)

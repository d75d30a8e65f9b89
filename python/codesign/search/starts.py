# SPDX-License-Identifier: Apache-2.0
"""What a trial begins with: of the networks that its shape lies within, the nearest, so that least is cut away."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from codesign.learning.train.recipe import Recipe

if TYPE_CHECKING:
    from codesign.learning.families.family import Sizes


@dataclass(frozen=True)
class Start:
    """A trained network in a file, its sizes, and the recipe that its features are of."""

    path: Path
    recipe: Recipe
    sizes: Sizes


def read_starts(paths: Iterable[Path]) -> tuple[Start, ...]:
    """The networks in checkpoints and ONNX files.

    Raises:
        InputError: one cannot be read, or is none that training begins with.
    """
    from codesign.learning.train.initial_weights import initial_weights

    found = [(path, initial_weights(path)) for path in paths]
    return tuple(Start(path, network.recipe, network.sizes) for path, network in found)


def finished_start(recipe: Recipe, path: Path) -> Start:
    """The network of a trial that was trained to its end."""
    from codesign.learning.train.float_task import float_sizes

    return Start(path, recipe, float_sizes(recipe))


def nearest(recipe: Recipe, starts: Iterable[Start]) -> Path | None:
    """The network with the fewest weights of those that the recipe's lies within, the first of equals; None: in none."""
    from codesign.learning.train.float_task import begins_with

    larger = [start for start in starts if begins_with(recipe, start.recipe, start.sizes)]
    return min(larger, key=lambda start: sum(start.sizes.weights().values())).path if larger else None

# SPDX-License-Identifier: Apache-2.0
"""Checkpoints: tensors, numbers and text only, read without unpickling, written whole or not at all."""

from __future__ import annotations

import io
import warnings
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from codesign.base.errors import InputError
from codesign.base.files.output_file import replace_file
from codesign.learning.families.family import Sizes
from codesign.learning.families.registry import sizes_from
from codesign.learning.train.recipe import PhaseName, Recipe, differences

FORMAT = 1
Tensors = dict[str, Tensor]


@dataclass
class Checkpoint:
    """A run between two steps.

    `average` are the averaged parameters (what is exported), `current` those that are trained, of the phase's whole module;
    `progress` is what the phase keeps besides (states carried from batch to batch, the budget controller's λ).
    """

    recipe: Recipe
    phase: PhaseName
    sizes: Sizes
    step: int
    average: Tensors
    current: Tensors
    optimizer: dict[str, Any] = field(default_factory=dict)
    progress: dict[str, Any] = field(default_factory=dict)

    @property
    def network(self) -> Tensors:
        """The averaged mask network's parameters, whatever else the phase trains."""
        return {name.removeprefix("network."): v for name, v in self.average.items() if name.startswith("network.")}


def save(checkpoint: Checkpoint, path: Path) -> None:
    """Write, replacing an older one.

    Raises:
        InputError: the path cannot be written (no space, no such folder); the older file is still there then.
    """
    content = {
        "format": FORMAT,
        "recipe": checkpoint.recipe.model_dump_json(),
        "phase": checkpoint.phase,
        "family": checkpoint.sizes.family,
        "sizes": asdict(checkpoint.sizes),
        "step": checkpoint.step,
        "average": checkpoint.average,
        "current": checkpoint.current,
        "optimizer": checkpoint.optimizer,
        "progress": checkpoint.progress,
    }
    with replace_file(path) as temporary:
        try:
            torch.save(content, temporary)
        except RuntimeError as error:  # torch's writer says a full disk this way
            raise OSError(str(error)) from error


def load(path: Path) -> Checkpoint:
    """Read a checkpoint; nothing in the file is executed.

    Raises:
        InputError: no such file, no checkpoint, damaged, or of another version.
    """
    hint = "give a checkpoint that codesign train or compress wrote"
    try:
        data = path.read_bytes()
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror or error}", hint=hint) from error
    try:
        with warnings.catch_warnings(action="ignore"):  # about the pickles of others, which are refused in a line
            content = torch.load(io.BytesIO(data), map_location="cpu", weights_only=True)
    except MemoryError:
        raise
    except Exception as error:  # torch's unpickler ends other files with whatever their bytes make it do
        what = "empty" if not data else "damaged or no checkpoint"
        raise InputError(f"{path} is {what}", hint=hint) from error
    try:
        if content["format"] != FORMAT:
            raise InputError(f"{path}: checkpoint format {content['format']}, this version reads {FORMAT}", hint=hint)
        return Checkpoint(
            Recipe.model_validate_json(content["recipe"]),
            content["phase"],
            sizes_from(content.get("family", "lstm"), content["sizes"]),
            *(content[key] for key in ("step", "average", "current", "optimizer", "progress")),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(f"{path} is no checkpoint: {type(error).__name__} {error}", hint=hint) from error


def resume(path: Path, recipe: Recipe, phase: PhaseName) -> Checkpoint:
    """The checkpoint of a run to go on with.

    Raises:
        InputError: as `load`, or the run was of another recipe or phase.
    """
    found = load(path)
    differing = differences(found.recipe, recipe)
    if differing:
        raise InputError(
            f"{path} is of another recipe: {', '.join(differing[:3])} differ{'s' if len(differing) == 1 else ''}",
            hint="go on with the recipe it was made with, or give another output folder",
        )
    if found.phase != phase:
        raise InputError(
            f"{path} is a checkpoint of the phase '{found.phase}', not '{phase}'", hint="give another output folder"
        )
    return found

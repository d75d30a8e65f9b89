# SPDX-License-Identifier: Apache-2.0
"""A network of a search, copied out of it: recipe, checkpoint and ONNX file."""

from __future__ import annotations

import shutil
from pathlib import Path

from codesign.base.errors import InputError
from codesign.search.driver import trial_folder
from codesign.search.finish import network_folder, write_recipe
from codesign.search.front import read_front


def take(folder: Path, number: int, output: Path) -> tuple[Path, ...]:
    """Copy trial `number` of the search in `folder` into the new folder `output`; returns the files there.

    A finalist's files are those that were proven, its quantized model among them. Of another trained trial the recipe and a
    float model are made from its checkpoint, which takes torch.

    Raises:
        InputError: there is no such trial, it has no network, or `output` exists or cannot be made.
        ToolError: torch is needed and not installed.
    """
    found = read_front(folder).trial(number)
    kept = [path for path in sorted(network_folder(folder, number).glob("*")) if path.suffix in (".onnx", ".toml")]
    last = trial_folder(folder, number) / "last.pt"
    if not kept and not last.is_file():
        raise InputError(f"trial {number} has no network: it is '{found.state}'", hint="take one that was trained")
    if output.exists():
        raise InputError(f"{output} exists", hint="name a new folder")
    if any(path.suffix == ".onnx" for path in kept):
        _make(output)
        made = [output / path.name for path in kept]
        for path in kept:
            shutil.copyfile(path, output / path.name)
    else:
        made = _from_checkpoint(last, number, output)
    if last.is_file():
        shutil.copyfile(last, output / last.name)
        made.append(output / last.name)
    return tuple(made)


def _from_checkpoint(last: Path, number: int, output: Path) -> list[Path]:
    """The recipe and the float model of a trial that was not finished."""
    from codesign.learning.compress.export import export
    from codesign.learning.train.checkpoint import load

    state = load(last)
    _make(output)
    state.recipe = write_recipe(state.recipe, number, output)
    model = output / f"{state.recipe.name}-float.onnx"
    export(state, model)
    return [output / "recipe.toml", model]


def _make(output: Path) -> None:
    try:
        output.mkdir(parents=True)
    except OSError as error:
        raise InputError(f"{output} cannot be made: {error.strerror}", hint="name a folder that can be written") from error

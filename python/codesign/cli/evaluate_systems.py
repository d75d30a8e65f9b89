# SPDX-License-Identifier: Apache-2.0
"""The systems that codesign evaluate compares, from its options."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path

from codesign.base.errors import InputError
from codesign.cli.console import say
from codesign.hearing.evaluate import Pairs, System, find_outputs, recorded_system
from codesign.hearing.evaluate.scoring import sample_rate_of
from codesign.hearing.evaluate.systems import model_systems, names_of


def compared_systems(
    pairs: Pairs,
    models: Sequence[str],
    recorded: Sequence[str],
    delays: Sequence[str],
    folder: Path,
    *,
    chains: Sequence[str] = (),
    results: Sequence[str] = (),
    attenuation_limit: float | None = None,
    speech_loss: tuple[float, ...] = (),
    real_values: bool = False,
) -> list[System]:
    """Models first, as `model_systems` makes them; `chains` and `results` are of all of them, or NAME=… of one."""
    named = [name_and_value(text) for text in recorded]
    lags = {name: _samples(name, value) for name, value in map(name_and_value, delays)}
    for name in lags:
        if name not in dict(named):
            raise InputError(f"--delay {name}=…: no --system has that name", hint="models need no --delay: theirs is known")
    unnamed = [text for text in models if "=" not in text]
    names = dict(zip(unnamed, names_of([Path(text) for text in unnamed]), strict=True))
    paths = dict((names[text], text) if text in names else name_and_value(text) for text in models)
    if len(paths) < len(models):
        raise InputError("two models of one name", hint="write --model NAME=FILE")
    chain_of, result_of = _each("--chain", chains, paths), _each("--result", results, paths)
    found = list[System]()
    for name, path in paths.items():
        chain = Path(chain_of[name]) if name in chain_of else None
        found += model_systems(
            *(name, Path(path), folder, chain, result_of.get(name), attenuation_limit, speech_loss), real_values=real_values
        )
    rate = sample_rate_of(pairs, found)
    for name, pattern in named:
        files = find_outputs(pairs, name, pattern)
        found.append(
            recorded_system(name, files, rate, pattern or pairs.layout.format(role=name, ending=""), lags.get(name, 0))
        )
    if not found:
        say("neither --model nor --system: only the noisy recordings are scored")
    return found


def _each(option: str, texts: Sequence[str], models: Collection[str]) -> dict[str, str]:
    """Name of a model → what an option says of it."""
    found: dict[str, str] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if equals and name not in models:
            raise InputError(f"{option} {text}: no --model has that name", hint=f"models are {', '.join(models) or 'none'}")
        found |= {name: value} if equals else {each: text for each in models if each not in found}
    return found


def name_and_value(text: str) -> tuple[str, str]:
    """The two parts of an option NAME=VALUE; the value is "" without one.

    Raises:
        InputError: there is nothing before the =.
    """
    name, _, value = text.partition("=")
    if not name:
        raise InputError(f"'{text}' has no name before the =", hint="write NAME=FILE")
    return name, value


def _samples(name: str, value: str) -> int:
    if not value.isascii() or not value.isdigit():
        raise InputError(f"--delay {name}={value}", hint="give a number of samples, 0 or more")
    return int(value)

# SPDX-License-Identifier: Apache-2.0
"""Recipes: everything that a training run is, read from a TOML file. docs/training.md explains every key."""

from __future__ import annotations

import os
import re
from dataclasses import fields, replace
from pathlib import Path
from typing import Annotated, Any, Literal, Self, get_args

from pydantic import (
    Discriminator,
    Field,
    NonNegativeFloat,
    PositiveFloat,
    PositiveInt,
    ValidationError,
    model_validator,
)

from codesign.base.errors import InputError, one_line
from codesign.base.toml import parse_toml, read_toml
from codesign.compiler.frontend import Chain
from codesign.compiler.frontend.near import near
from codesign.learning.data.settings import MixSettings
from codesign.learning.families.recipes import FAMILIES, LstmRecipe, NetworkRecipe, Table

HINT = "docs/training.md lists the keys"
MAX_EXTENDS = 16
Share = Annotated[float, Field(ge=0.0, le=1.0)]

Select = Literal["si_sdr", "estoi", "pesq", "balanced"]
RANGES: dict[str, tuple[float, float]] = {"si_sdr": (0.0, 20.0), "estoi": (0.0, 1.0), "pesq": (1.0, 4.5)}
"""Measures of the validation, and between what they are weighed against one another."""

TRAINED_BANDS = ("mel", "erb", "slaney")
_TRAINED = (
    *("sample_rate", "n_fft", "window", "hop", "window_kind", "window_samples", "synthesis_length"),
    *("feature", "n_mels", "f_min", "f_max", "exponent"),
    *("path", "phase", "filter_type", "taps", "block", "lag", "filter_delay"),
)


def front_end_keys(chain: Chain) -> dict[str, Any]:
    """The keys of a chain that a recipe has, and their values."""
    values = {key: getattr(chain, key) for key in _TRAINED}
    return {key: list(value) if isinstance(value, tuple) else value for key, value in values.items()}


def untrained(chain: Chain) -> str:
    """Why training has no such chain, "" where it has: bands by a power law and their gains, or spectra and a complex mask."""
    default = replace(Chain(), output="mask" if chain.feature == "spectrum" else "gains")
    others = [field.name for field in fields(Chain) if field.name not in _TRAINED]
    changed = [name for name in others if getattr(chain, name) != getattr(default, name)]
    if changed:
        return f"training has no {changed[0]} but {getattr(default, changed[0])!r}"
    if chain.bands not in TRAINED_BANDS and chain.feature != "spectrum":
        kinds = ", ".join(f"{bands}_magnitude or {bands}_power" for bands in TRAINED_BANDS)
        return f"training has no feature '{chain.feature}': {kinds}, or spectrum"
    if not chain.filters and (chain.window % chain.hop or chain.window == chain.hop):
        return f"hop {chain.hop} does not divide window {chain.window} into two or more parts"
    return ""


class LossRecipe(Table):
    """Weights beside SI-SDR in dB: of the spectral distances (of magnitudes, of complex values, of what speech lost) and of the
    perceptual disturbance.

    The windows are those of the STFTs of the spectral distance, in samples (several: multi-resolution).
    """

    spectral_weight: NonNegativeFloat = 20.0
    complex_weight: NonNegativeFloat = 0.0
    asymmetric_weight: NonNegativeFloat = 0.0
    spectral_windows: tuple[Annotated[int, Field(ge=32, le=8192)], ...] = Field(default=(512,), strict=False)
    perceptual_weight: NonNegativeFloat = 0.0
    hearing_weight: NonNegativeFloat = 0.0
    """Of the audible envelopes that a listener with `hearing_thresholds` misses, in dB for all of them."""
    hearing_thresholds: Annotated[
        tuple[Annotated[float, Field(ge=-10.0, le=120.0)], ...], Field(min_length=6, max_length=6)
    ] = Field(default=(35.0, 35.0, 40.0, 50.0, 60.0, 65.0), strict=False)
    """dB HL at 250, 500, 1000, 2000, 4000 and 6000 Hz; N3 of IEC 60118-15."""


class DistillRecipe(Table):
    """A teacher: an ONNX enhancer, what is around it, and how much of the training is on what it says.

    `recordings` is a folder of noisy recordings without clean ones; without it the teacher hears `mixtures` of the corpus.
    """

    teacher: Annotated[str, Field(min_length=1)]
    chain: str = ""
    recordings: str = ""
    share: Annotated[float, Field(gt=0.0, le=1.0)] = 0.5
    mixtures: Annotated[int, Field(ge=0)] = 2000
    clean_weight: NonNegativeFloat = 1.0
    output_weight: NonNegativeFloat = 1.0
    mask_weight: NonNegativeFloat = 10.0


class Phase(Table):
    """One optimisation: `steps` of `batch` mixtures of `seconds`, AdamW with warm-up and cosine decay to 1 %."""

    steps: PositiveInt = 10_000
    batch: PositiveInt = 24
    seconds: PositiveFloat = 3.2
    learning_rate: PositiveFloat = 1.5e-3
    weight_decay: NonNegativeFloat = 1e-3
    warmup: PositiveInt = 200
    gradient_clip: PositiveFloat = 5.0
    carry: Share = 0.6
    """How often a batch goes on from the states that the last one left: a hearing aid is never reset."""
    average: Annotated[float, Field(ge=0.0, lt=1.0)] = 0.998
    """Decay of the running average of the weights, which is what is validated and exported."""
    normalize: Share = 0.5
    """Part of the steps in which batch normalizations go by the batch; then by what they have seen, as on the device."""
    validate_every: PositiveInt = 500
    select: Select = "si_sdr"
    """By what best.pt is chosen: one measure, or the mean of all of their places within RANGES."""
    patience: Annotated[int, Field(ge=0)] = 0
    """Validations without a better one after which to stop; 0: never."""


class PrunePhase(Phase):
    """Structured pruning with learned thresholds until the network fits `bytes` and `macs`, or the board's share of both."""

    steps: PositiveInt = 4000
    learning_rate: PositiveFloat = 7e-4
    bytes: PositiveInt | None = None
    macs: PositiveInt | None = None
    ramp: Annotated[float, Field(gt=0.0, lt=1.0)] = 0.5
    """Part of the steps over which the target falls to the budget; the rest goes on at the budget."""
    strength: PositiveFloat = 1.0
    """λ at first; the budget controller moves it from there."""
    temperature: PositiveFloat = 0.1
    """Width of the sigmoid that stands in for the indicator in the backward pass, in mean group norms."""


class RecoverPhase(Phase):
    """Training of what pruning left, at its size: a well trained network loses more than the steps of [prune] win back."""

    steps: PositiveInt = 4000
    learning_rate: PositiveFloat = 1.2e-3


class QuantizePhase(Phase):
    """Quantization-aware training with the integer contract as its forward pass."""

    steps: PositiveInt = 2000
    learning_rate: PositiveFloat = 3e-4
    normalize: Share = 0.0
    calibration_batches: PositiveInt = 4


class SkipPhase(Phase):
    """The skip gate: share of frames that may update, and what an update above it costs in dB of the loss."""

    steps: PositiveInt = 2000
    learning_rate: PositiveFloat = 5e-4
    updates: Annotated[float, Field(gt=0.0, le=1.0)] = 0.45


class Recipe(Table):
    """A whole recipe. Tables left out have their defaults, but phases after [train] that are left out are not run."""

    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$")]
    licence: str = ""
    seed: Annotated[int, Field(ge=0, lt=2**31)] = 1
    front_end: dict[str, Any] = Field(default_factory=dict)
    network: Annotated[NetworkRecipe, Discriminator("family")] = LstmRecipe()
    loss: LossRecipe = LossRecipe()
    distill: DistillRecipe | None = None
    mixing: dict[str, Any] = Field(default_factory=dict)
    train: Phase = Phase()
    prune: PrunePhase | None = None
    recover: RecoverPhase | None = None
    skip: SkipPhase | None = None
    quantize: QuantizePhase | None = None

    @property
    def config(self) -> Chain:
        """The front end."""
        output = "mask" if self.front_end.get("feature") == "spectrum" else "gains"
        given: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in self.front_end.items()}
        return Chain(output=output, **given)

    @property
    def mix_settings(self) -> MixSettings:
        """How mixtures are drawn."""
        given: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in self.mixing.items()}
        return MixSettings(**given)

    @model_validator(mode="before")
    @classmethod
    def _family_is_said(cls, tables: Any) -> Any:
        """A [network] without a family is the paper's."""
        network = tables.get("network") if isinstance(tables, dict) else None
        if isinstance(network, dict) and "family" not in network:
            return tables | {"network": {"family": "lstm", **network}}
        return tables

    @model_validator(mode="after")
    def _tables_are_sound(self) -> Self:
        known = front_end_keys(Chain())
        for key, value in self.front_end.items():
            if key not in known:
                raise ValueError(f"front_end.{key} is not a key of the front end ({', '.join(known)}){near(key, known)}")
            if type(value) is not type(known[key]) and not (isinstance(known[key], float) and type(value) is int):
                raise ValueError(f"front_end.{key} must be {_type(known[key])}, not {value!r}")
        try:
            config = self.config
        except InputError as error:
            raise ValueError(error.message) from error
        if reason := untrained(config):
            raise ValueError(f"front_end: {reason}")
        mixing = [field.name for field in fields(MixSettings)]
        for key in self.mixing:
            if key not in mixing:
                raise ValueError(f"mixing.{key}: means nothing{near(key, mixing)}")
        try:
            self.mix_settings  # noqa: B018 - its own checks
        except InputError as error:
            raise ValueError(error.message) from error
        return self


PhaseName = Literal["train", "prune", "recover", "skip", "quantize"]


def read_recipe(path: Path) -> Recipe:
    """The recipe in a TOML file, over the one that its key `extends` names, if it has one.

    Raises:
        InputError: a file cannot be read, extends itself, or a key has a mistake (file and key are named).
    """
    return recipe_of(recipe_tables(path), str(path))


def parse_recipe(text: str, where: str) -> Recipe:
    """As `read_recipe`, from text that came from `where` and extends nothing."""
    return recipe_of(parse_toml(text, where, HINT), where)


def recipe_tables(path: Path) -> dict[str, Any]:
    """Tables of a recipe's file, unchecked; keys that it does not have are those of the recipe it extends.

    Raises:
        InputError: a file cannot be read or extends itself.
    """
    chain: list[dict[str, Any]] = []
    seen: set[str] = set()
    while True:
        tables = read_toml(path, HINT)
        base = tables.pop("extends", None)
        chain.append(tables)
        if base is None:
            break
        seen.add(os.path.realpath(path))
        if not isinstance(base, str) or not base:
            raise InputError(f"{path}: extends: must be the path of a recipe", hint=HINT)
        if os.path.realpath(path.parent / base) in seen:
            raise InputError(f"{path}: extends: the recipe extends itself", hint=HINT)
        if len(chain) > MAX_EXTENDS:
            raise InputError(f"{path}: extends: more than {MAX_EXTENDS} recipes in a row", hint=HINT)
        path = path.parent / base
    merged: dict[str, Any] = {}
    for tables in reversed(chain):
        for key, value in tables.items():
            both = isinstance(value, dict) and isinstance(merged.get(key), dict)
            merged[key] = merged[key] | value if both else value
    return merged


def recipe_of(tables: dict[str, Any], where: str) -> Recipe:
    """The recipe that tables from `where` are.

    Raises:
        InputError: a key has a mistake; it is named.
    """
    try:
        return Recipe.model_validate(tables)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        tagged = first["loc"][0:1] == ("network",)  # the second part is the family then
        key = ".".join(str(part) for k, part in enumerate(first["loc"]) if not (tagged and k == 1)) or "recipe"
        message = re.sub(r"^Value error, ", "", first["msg"])
        if first["type"] == "extra_forbidden":
            message = f"means nothing{near(str(first['loc'][-1]), _keys_at(first['loc']))}"
        if first["type"] == "union_tag_invalid":
            tag = tables["network"]["family"]
            message = f"family '{one_line(str(tag), 40)}' is not one of {', '.join(FAMILIES)}{near(tag, FAMILIES)}"
        raise InputError(f"{where}: {key}: {message}", hint=HINT) from error


def _keys_at(place: tuple[int | str, ...]) -> list[str]:
    """The keys of the table in which a key means nothing."""
    if len(place) == 1:
        return list(Recipe.model_fields)
    if place[0] == "network":
        kinds = {get_args(kind.model_fields["family"].annotation)[0]: kind for kind in get_args(NetworkRecipe)}
        return list(kinds[str(place[1])].model_fields)
    tables: dict[str, type[Table]] = {
        "loss": LossRecipe,
        "distill": DistillRecipe,
        "prune": PrunePhase,
        "quantize": QuantizePhase,
        "skip": SkipPhase,
    }
    return list(tables.get(str(place[0]), Phase).model_fields)


def differences(one: Recipe, other: Recipe) -> tuple[str, ...]:
    """Keys, as table.key, in which two recipes differ."""
    return tuple(_differing("", one.model_dump(mode="json"), other.model_dump(mode="json")))


def _differing(prefix: str, one: Any, other: Any) -> list[str]:
    if isinstance(one, dict) and isinstance(other, dict):
        keys = sorted({*one, *other})
        return [name for key in keys for name in _differing(f"{prefix}.{key}".lstrip("."), one.get(key), other.get(key))]
    return [] if one == other else [prefix]


def _type(value: object) -> str:
    return {int: "a whole number", float: "a number", str: "text", list: "a list of numbers"}[type(value)]

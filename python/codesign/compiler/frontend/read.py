# SPDX-License-Identifier: Apache-2.0
"""Keys and values of a model file → Chain, with what was assumed and what nobody knows."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import numpy.typing as npt

from codesign.base.errors import InputError, one_line
from codesign.compiler.frontend.chain import BAND_KINDS, FEATURE_KINDS, HINT, Chain
from codesign.compiler.frontend.fit import fitting
from codesign.compiler.frontend.idle import idle_keys
from codesign.compiler.frontend.near import near
from codesign.compiler.frontend.presets import presets
from codesign.compiler.frontend.tables import TABLES, plain, read_table

_INTEGERS = (
    "sample_rate",
    "n_fft",
    "window",
    "hop",
    "n_mels",
    "synthesis_length",
    "taps",
    "block",
    "lag",
    "filter_delay",
    "strength",
    "program",
    "resample",
)
_WORDS = (
    *("window_kind", "feature", "synthesis_kind", "compression", "layout", "output", "gains", "path", "phase", "filter_type"),
    *("running", "running_over"),
)
_VECTORS = ("window_samples", "synthesis_samples", "mean", "deviation", "running_start", "running_deviation", "speech_loss")
_MATRICES = ("bands_matrix", "gains_matrix")
CHAIN_KEYS = tuple(field.name for field in fields(Chain))
OTHER_KEYS = ("preset", "n_bands", "states", "inputs", "outputs", "result", "name", "licence", "tool", "integers", "float32")
"""What else a model file may say: `n_bands` is another word for `n_mels`."""
_SYNONYMS = {
    **dict.fromkeys(("fs", "sr", "rate", "sampling_rate", "samplerate"), "sample_rate"),
    **dict.fromkeys(("hop_length", "hop_size", "hopsize", "block_shift", "frame_shift", "stride"), "hop"),
    **dict.fromkeys(("win_length", "window_length", "window_size", "frame_length", "frame_size", "block_len"), "window"),
    **dict.fromkeys(("fft_size", "fft_length", "nfft"), "n_fft"),
    **dict.fromkeys(("window_type", "window_fn"), "window_kind"),
    **dict.fromkeys(("fmax",), "f_max"),
    **dict.fromkeys(("fmin",), "f_min"),
    **dict.fromkeys(("std", "scale"), "deviation"),
    **dict.fromkeys(("nbands", "num_bands", "num_mels", "mels"), "n_mels"),
}
_SHOWN = 4
MAX_NUMBERS, MAX_TEXT = 2**20, 2**23
_NUMBERS_OF = {
    **{"window_kind": "window_samples", "synthesis_kind": "synthesis_samples"},
    **{"feature": "bands_matrix", "gains": "gains_matrix"},
}
"""A key that, when it is given beside a preset, replaces what the preset says with numbers too."""
Find = Callable[[str], npt.NDArray[Any] | None]
"""A name, of a tensor or a file → its numbers, None where there is none."""


@dataclass(frozen=True)
class Entry:
    """A value as it stands in metadata (always text) or in TOML, and where: "model.onnx: metadata". `by_hand` ones must mean
    something; programs write what a part would have that is off, too.
    """

    value: object
    where: str
    by_hand: bool = False


class ChainMisfitError(InputError):
    """A chain that makes sense, but gives or takes another number of values than the network has."""


@dataclass(frozen=True)
class ChainReading:
    """A chain, the keys of it that nothing said and that took their defaults, and sentences about keys that are unknown."""

    chain: Chain
    assumed: tuple[str, ...]
    warnings: tuple[str, ...]
    problem: InputError | None = None
    """Why this is not the chain of the network, where that was to be told and not raised."""
    silent: bool = False
    """With a problem: nothing is said of a chain at all."""


def read_chain_keys(
    entries: Mapping[str, Entry], where: str, find: Find, n_features: int | None = None, n_outputs: int | None = None
) -> ChainReading:
    """The chain that the keys describe around a network of `n_features` and `n_outputs`, None for any.

    A key that is missing takes what follows from those that are there, then the default of docs/model-file.md.

    Raises:
        InputError: a value that is none of its kind, that does not fit the others, one by hand of a part that is off, or a
            chain that does not fit the network.
    """
    entries = {("n_mels" if key == "n_bands" else key): entry for key, entry in entries.items()}
    values: dict[str, Any] = {}
    if "preset" in entries:
        known, entry = presets(), entries["preset"]
        if not isinstance(entry.value, str) or entry.value not in known:
            allowed = ", ".join(known)
            raise InputError(
                f"{entry.where} preset '{_shown(entry)}' is not one of {allowed}{near(entry.value, known)}", hint=HINT
            )
        left_out = {numbers for key, numbers in _NUMBERS_OF.items() if key in entries}
        kept = {key: value for key, value in known[entry.value].items() if key not in left_out}
        values = {key: read_value(key, Entry(value, ""), find) for key, value in kept.items()}
    values |= {key: read_value(key, entries[key], find) for key in CHAIN_KEYS if key in entries}
    _spell_out(values, where)
    said = set(values)
    _derive(values, n_features, n_outputs)
    try:
        chain = Chain(**values)
    except InputError as error:
        if not said & set(CHAIN_KEYS) and n_features is not None:
            found = fitting(None, n_features, n_outputs or n_features)[:_SHOWN]
            likely = " | ".join(found) or f"preset = one of {', '.join(presets())}, or feature = …"
            raise InputError(
                f"{where}: nothing says what the {n_features} features are, and mel bands, the default, they cannot be",
                hint=f"--chain FILE, with [chain] and {likely} (docs/model-file.md)",
            ) from error
        feature = values.get("feature", "")
        tail = _feature_meant(feature) if f"feature '{feature}' is not" in error.message else ""
        raise InputError(f"{where}: {error.message}{tail}", hint=error.hint) from error
    if "n_mels" in entries and n_features is not None and chain.has_bands and chain.n_mels != n_features:
        hint = _frames(chain.n_mels, n_features) or HINT
        raise InputError(f"{entries['n_mels'].where} n_mels is {chain.n_mels}, the input has {n_features} features", hint=hint)
    _check_sizes(chain, where, n_features, n_outputs)
    for key, needed in idle_keys(chain, (key for key, entry in entries.items() if entry.by_hand)):
        raise InputError(f"{entries[key].where} {key} changes nothing without {needed}", hint=f"leave {key} out, or give that")
    return ChainReading(chain, tuple(_assumed(chain, said)), tuple(unknown_keys(entries)))


def unknown_keys(keys: Mapping[str, Entry]) -> list[str]:
    """A sentence about each key that means nothing here."""
    known = {*CHAIN_KEYS, *OTHER_KEYS}
    return [f"{entry.where} {one_line(key, 40)} means nothing{_meant(key)}" for key, entry in keys.items() if key not in known]


def chain_properties(chain: Chain) -> dict[str, str]:
    """The metadata_props of a chain: the sizes of every chain, and what differs from the defaults."""
    default = Chain()
    always = ("sample_rate", "n_fft", "window", "hop", "window_kind", "feature", "n_mels", "f_min", "f_max", "exponent")
    props = {}
    for key in CHAIN_KEYS:
        value = getattr(chain, key)
        if key in always or value != getattr(default, key):
            props[key] = json.dumps(plain(value)) if isinstance(value, tuple) or key in TABLES else str(value)
    if not chain.has_bands:
        del props["n_mels"]
    return props


def _spell_out(values: dict[str, Any], where: str) -> None:
    """`log_mel_power` and the like: a feature and its logarithm in one word; bands without a size are of power."""
    feature = values.get("feature", "")
    kind = next((kind for kind in ("log10", "log") if feature.startswith(f"{kind}_")), "")
    if not kind:
        return
    if values.setdefault("compression", kind) != kind:
        raise InputError(
            f"{where}: feature '{feature}' and compression '{values['compression']}' contradict each other", hint=HINT
        )
    rest = feature.removeprefix(f"{kind}_")
    values["feature"] = f"{rest}_power" if rest in BAND_KINDS else rest


def _derive(values: dict[str, Any], n_features: int | None, n_outputs: int | None) -> None:
    """What follows from the keys that are there."""
    if "window" in values:
        values.setdefault("n_fft", max(512, 1 << max(0, values["window"] - 1).bit_length()))
    elif "n_fft" in values:
        values["window"] = values["n_fft"]
    values.setdefault("window", 512)
    values.setdefault("n_fft", 512)
    values.setdefault("hop", values["window"] // 2 if values["window"] != 512 else 256)
    if "sample_rate" in values:
        values.setdefault("f_max", values["sample_rate"] / 2)
    feature = values.setdefault("feature", "mel_magnitude")
    banded = any(feature.startswith(f"{kind}_") for kind in BAND_KINDS)
    if banded:
        values.setdefault("n_mels", min(128, values["n_fft"] // 2 + 1) if n_features is None else n_features)
    if not banded:
        values.setdefault("n_mels", 1)
        if "exponent" not in values:
            values.setdefault("compression", "none")
    if values.get("running", "none") != "none" and "running_smoothing" not in values:
        values["running_smoothing"] = math.exp(
            -values["hop"] / max(1, values.get("sample_rate", 16000))
        )  # after one second, 1/e
    if values.get("output", "gains") == "gains" and "gains" not in values:
        bins = values["n_fft"] // 2 + 1
        if "gains_matrix" in values:
            values["gains"] = "matrix"
        elif not banded or (n_outputs == bins and n_outputs != values.get("n_mels")):
            values["gains"] = "bins"


def _frames(one: int, n_features: int) -> str:
    """What to do where the input is as large as several frames of bands; else nothing."""
    frames, left = divmod(n_features, one)
    if left or not 2 <= frames <= 64:
        return ""
    return f"for {frames} frames at once: export one frame, or recurrent layers that are not unrolled (Keras: unroll=False)"


def _check_sizes(chain: Chain, where: str, n_features: int | None, n_outputs: int | None) -> None:
    if n_features is not None and n_features != chain.n_features:
        raise ChainMisfitError(
            f"{where}: feature '{chain.feature}' gives {chain.n_features} values, the input has {n_features}",
            hint=_fits(chain, n_features, n_outputs),
        )
    if n_outputs is not None and n_outputs != chain.n_outputs:
        what = f"output '{chain.output}'" if chain.output != "gains" else f"gains '{chain.gains}'"
        raise ChainMisfitError(
            f"{where}: {what} takes {chain.n_outputs} values, the output has {n_outputs}",
            hint=_fits(chain, n_features, n_outputs),
        )


_OWN_FEATURES = "what a chain does not compute, such as pitch features, the network must make of its spectrum or frame"


def _fits(chain: Chain | None, n_features: int | None, n_outputs: int | None) -> str:
    """What to do about sizes that do not fit."""
    found = [] if n_features is None or n_outputs is None else fitting(chain, n_features, n_outputs)
    sizes = f"{n_features} to {n_outputs}"
    if found:
        return f"{sizes} fits {' | '.join(found[:_SHOWN])} (docs/model-file.md)"
    return f"{HINT}: nothing known fits {sizes}; {_OWN_FEATURES}"


def _assumed(chain: Chain, said: set[str]) -> list[str]:
    keys = ["sample_rate", "n_fft", "window", "hop", "window_kind", "feature"]
    keys += ["exponent"] if chain.of_sizes and chain.compression == "power" else []
    keys += ["f_min", "f_max"] if chain.has_bands and chain.bands != "matrix" else []
    keys += ["running_smoothing"] if chain.running != "none" else []
    keys += ["output"] if not chain.of_sizes else []
    return [key for key in keys if key not in said]


_FEATURE_WORDS = {
    **dict.fromkeys(("logmel", "mel_log"), "log_mel"),
    **dict.fromkeys(("logpow", "lps"), "log_power or log10_power"),
    **dict.fromkeys(("mag", "spec"), "magnitude"),
    **dict.fromkeys(("mel", "mel_spectrogram"), "mel_power"),
    **dict.fromkeys(("abs", "stft_magnitude", "spectrogram"), "magnitude"),
    **dict.fromkeys(("complex", "stft", "real_imag", "ri"), "spectrum"),
    **dict.fromkeys(("waveform", "time", "samples", "pcm", "raw"), "frame"),
}


def _feature_meant(feature: str) -> str:
    word = feature.lower()
    return f", did you mean {_FEATURE_WORDS[word]}?" if word in _FEATURE_WORDS else near(feature, FEATURE_KINDS)


def _meant(key: str) -> str:
    return f", did you mean {_SYNONYMS[key]}?" if key in _SYNONYMS else near(key, CHAIN_KEYS)


def _shown(entry: Entry) -> str:
    return one_line(str(entry.value), 40)


def read_value(key: str, entry: Entry, find: Find) -> Any:
    """The value of one key of a chain.

    Raises:
        InputError: it is none of its kind.
    """
    if key in _WORDS:
        if not isinstance(entry.value, str):
            raise InputError(f"{entry.where} {key} is {_shown(entry)}, no word", hint=HINT)
        return entry.value
    if key in _VECTORS or key in _MATRICES:
        return _numbers(key, entry, find)
    if key in TABLES:
        return read_table(key, entry.value, entry.where)
    return _number(key, entry)


def _number(key: str, entry: Entry) -> int | float:
    kind = int if key in _INTEGERS else float
    text = "" if isinstance(entry.value, bool) or not isinstance(entry.value, str | int | float) else str(entry.value)
    try:
        number = kind(text)
    except (ValueError, OverflowError):
        raise InputError(f"{entry.where} {key} is '{_shown(entry)}', no {_WHAT[kind]}", hint=HINT) from None
    if kind is int and abs(number) >= 2**31:
        raise InputError(f"{entry.where} {key} is beyond 32 bits: {_shown(entry)}", hint=HINT)
    return number


_WHAT: Mapping[type, str] = {int: "whole number", float: "number"}


def _numbers(key: str, entry: Entry, find: Find) -> Any:
    """A vector or a matrix: a number, a list, JSON of either, or the name of a tensor or file."""
    value, dimensions = entry.value, 2 if key in _MATRICES else 1
    if isinstance(value, str):
        if len(value) > MAX_TEXT:
            raise InputError(f"{entry.where} {key} is longer than {MAX_TEXT:,} characters", hint=HINT)
        found = find(value)
        if found is None:
            try:
                value = json.loads(value)
            except (ValueError, RecursionError):
                text = f"'{_shown(entry)}', no list of numbers and no tensor or file (.npy, .csv, .txt)"
                raise InputError(f"{entry.where} {key} is {text}", hint=HINT) from None
        else:
            value = found
    try:
        array = np.array(value, np.float64)
    except (ValueError, TypeError, OverflowError):
        raise InputError(f"{entry.where} {key} is no {_SHAPES[dimensions]} of numbers", hint=HINT) from None
    if dimensions == 1:
        array = array.reshape(-1) if array.ndim <= 1 or max(array.shape) == array.size else array
    if array.ndim != dimensions or not 1 <= array.size <= MAX_NUMBERS or isinstance(value, bool):
        raise InputError(f"{entry.where} {key} has shape {list(array.shape)}, no {_SHAPES[dimensions]} of numbers", hint=HINT)
    if not all(map(math.isfinite, array.ravel().tolist())):
        raise InputError(f"{entry.where} {key} holds a value that is not finite", hint=HINT)
    return tuple(array.tolist()) if dimensions == 1 else tuple(map(tuple, array.tolist()))


_SHAPES = {1: "list", 2: "matrix"}

"""From a float model file and a folder of recordings to an int8 model file."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from codesign.audio import read_audio
from codesign.errors import InputError
from codesign.frontend import FrontEnd, whole_hops
from codesign.load import Graph, load_onnx
from codesign.lower import lower
from codesign.quantize.calibrate import quantize_graph
from codesign.quantize.float_run import float_run
from codesign.quantize.qdq import write_qdq
from codesign.reference.frontend import analyse

AUDIO = (".wav", ".flac", ".ogg")
MAX_SECONDS = 600.0
"""Recordings beyond this much audio are left out: ranges do not change any more."""


@dataclass(frozen=True)
class ValueReport:
    """Signal-to-noise ratio of one value, float against quantized, in dB; None when it is exact or constant zero."""

    name: str
    snr_db: float | None


@dataclass(frozen=True)
class QuantizeReport:
    """What quantization did: recordings and seconds used, and the noise it put into each value."""

    files: int
    seconds: float
    layers: tuple[ValueReport, ...]


def quantize_file(
    model: Path, data: Path, output: Path, progress: Callable[[str, int, int], None] = lambda what, done, total: None
) -> QuantizeReport:
    """Calibrate the float `model` on all recordings under `data` and write `output`.

    Raises:
        InputError: the model is no float model that codesign can lower, no usable recording, or `output` cannot be written.
    """
    graph = load_onnx(model)
    if graph.quants:
        raise InputError(f"{model} is quantized already", hint="give the float model")
    features, seconds = _features(data, graph.frontend, progress)
    progress("calibrate", 0, 0)
    quantized = quantize_graph(graph, features)
    lower(quantized)  # refuses here what the firmware could not compute
    write_qdq(quantized, output)
    progress("compare", 0, 0)
    return QuantizeReport(len(features), seconds, _compare(graph, quantized, features[0]))


def _features(
    data: Path, config: FrontEnd, progress: Callable[[str, int, int], None]
) -> tuple[list[npt.NDArray[np.float32]], float]:
    if not data.is_dir():
        raise InputError(f"{data} is not a folder", hint="give a folder of WAV or FLAC files")
    paths = sorted(path for path in data.rglob("*") if path.suffix.lower() in AUDIO)
    if not paths:
        raise InputError(f"no {', '.join(AUDIO)} files under {data}", hint="give a folder of noisy recordings")
    features, seconds = [], 0.0
    for index, path in enumerate(paths):
        progress("read recordings", index, len(paths))
        pcm = read_audio(path, config.sample_rate).pcm[: max(1, int((MAX_SECONDS - seconds) * config.sample_rate))]
        features.append(analyse(config, whole_hops(pcm, config.hop)).features)
        seconds += pcm.size / config.sample_rate
        if seconds >= MAX_SECONDS - 1e-3:
            break
    return features, seconds


def _compare(graph: Graph, quantized: Graph, features: npt.NDArray[np.float32]) -> tuple[ValueReport, ...]:
    exact = float_run(graph, features).values
    rounded = float_run(quantized, features, quantized.quants).values
    return tuple(ValueReport(name, _snr(values, rounded[name])) for name, values in exact.items() if name in rounded)


def _snr(signal: npt.NDArray[np.float64], other: npt.NDArray[np.float64]) -> float | None:
    power, noise = float(np.square(signal).sum()), float(np.square(signal - other).sum())
    return 10.0 * float(np.log10(power / noise)) if power > 0.0 and noise > 0.0 else None

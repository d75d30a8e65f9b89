"""From a float model file and a folder of recordings to an int8 model file."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from codesign.base.audio import read_audio
from codesign.base.errors import InputError
from codesign.compiler.frontend import FrontEnd, whole_hops
from codesign.compiler.lower import lower
from codesign.compiler.model import load_onnx
from codesign.compiler.quantize.balance import Balanced, balance
from codesign.compiler.quantize.calibrate import channels_of, quantize_graph
from codesign.compiler.quantize.compare import LayerReport, compare
from codesign.compiler.quantize.qdq import write_qdq
from codesign.compiler.reference.frontend import analyse

AUDIO = (".wav", ".flac", ".ogg")
MAX_SECONDS = 600.0
"""Recordings beyond this much audio are left out: ranges do not change any more."""


@dataclass(frozen=True)
class QuantizeReport:
    """What quantization did: recordings and seconds used, the noise it put into each layer, and layers balanced before it.

    `notes` say what is amiss with the recordings.
    """

    files: int
    seconds: float
    layers: tuple[LayerReport, ...]
    balanced: tuple[Balanced, ...] = ()
    notes: tuple[str, ...] = ()


def quantize_file(
    model: Path,
    data: Path,
    output: Path,
    progress: Callable[[str, int, int], None] = lambda what, done, total: None,
    *,
    balanced: bool = False,
) -> QuantizeReport:
    """Calibrate the float `model` on all recordings under `data` and write `output`.

    With `balanced`, scales are moved between layers first.

    Raises:
        InputError: the model is no float model that codesign can lower, no usable recording, or `output` cannot be written.
    """
    graph = load_onnx(model)
    if graph.quants:
        raise InputError(f"{model} is quantized already", hint="give the float model")
    features, seconds, notes = _features(data, graph.frontend, progress)
    moved: tuple[Balanced, ...] = ()
    if balanced:
        progress("balance", 0, 0)
        graph, moved = balance(graph, channels_of(graph, features))
    progress("calibrate", 0, 0)
    quantized = quantize_graph(graph, features)
    network = lower(quantized)  # refuses here what the firmware could not compute
    write_qdq(quantized, output)
    return QuantizeReport(len(features), seconds, compare(graph, quantized, network, features, progress), moved, notes)


def _features(
    data: Path, config: FrontEnd, progress: Callable[[str, int, int], None]
) -> tuple[list[npt.NDArray[np.float32]], float, tuple[str, ...]]:
    if not data.is_dir():
        raise InputError(f"{data} is not a folder", hint="give a folder of WAV or FLAC files")
    paths = sorted(path for path in data.rglob("*") if path.suffix.lower() in AUDIO)
    if not paths:
        raise InputError(f"no {', '.join(AUDIO)} files under {data}", hint="give a folder of noisy recordings")
    features, notes, seconds = [], [], 0.0
    for index, path in enumerate(paths):
        progress("read recordings", index, len(paths))
        audio = read_audio(path, config.sample_rate)
        if audio.cut_off:
            notes.append(f"{path.relative_to(data)}: {audio.cut_off}")
        pcm = audio.pcm[: max(1, int((MAX_SECONDS - seconds) * config.sample_rate))]
        features.append(analyse(config, whole_hops(pcm, config.hop)).features)
        seconds += pcm.size / config.sample_rate
        if seconds >= MAX_SECONDS - 1e-3:
            break
    return features, seconds, tuple(notes)

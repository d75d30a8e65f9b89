# SPDX-License-Identifier: Apache-2.0
"""From a float model file and a folder of recordings to an int8 model file."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from codesign.base.audio import read_audio
from codesign.base.errors import InputError
from codesign.base.files.output_file import replace_file
from codesign.base.signals import Pcm
from codesign.base.words import counted
from codesign.compiler.frontend import Chain, whole_hops
from codesign.compiler.lower import lower
from codesign.compiler.lower.constants import QUANTIZE_HINT
from codesign.compiler.lower.network import Network
from codesign.compiler.lower.row import check_row
from codesign.compiler.model import Graph, load_row
from codesign.compiler.model.chain_file import SUFFIX
from codesign.compiler.model.row_file import NetworkRow, row_text
from codesign.compiler.operators.scales import UNIT
from codesign.compiler.quantize.balance import Balanced, balance
from codesign.compiler.quantize.calibrate import AUTO_DB, Activations, Seen, channels_of, observe, quantize_seen, still
from codesign.compiler.quantize.compare import LayerReport, compare
from codesign.compiler.quantize.float_run import float_steps
from codesign.compiler.quantize.qdq import write_qdq
from codesign.compiler.quantize.sound import Sound, SoundMeter, at_full_scale, warnings_of
from codesign.compiler.reference.frontend import Analysis, analyse, handed_over
from codesign.compiler.reference.saturation import Saturation, of_values, together

Features = npt.NDArray[np.float32]
_TOO_LARGE = "the weights are too large for what they multiply: train with a weight decay, or bring the features near 1"
_NAMED = 4
AUDIO = (".wav", ".flac", ".ogg")
MAX_SECONDS = 600.0
"""Recordings beyond this much audio are left out: ranges do not change any more."""
LOUD_PIECES = 10
"""Recordings of which a piece is also heard at full scale, where there are values in int16."""


@dataclass(frozen=True)
class QuantizeReport:
    """What quantization did: recordings and seconds used, the noise it put into each layer, and layers balanced before it.

    `notes` say what the import assumed and dropped, and what is amiss with the files. `sound` is what the recordings were,
    `still` names the values that hardly moved while they played, `saturation` is of the float network's features and mask under
    the new scales, and `warnings` says what is wrong with any of these.
    """

    files: int
    seconds: float
    layers: tuple[LayerReport, ...]
    balanced: tuple[Balanced, ...]
    notes: tuple[str, ...]
    sound: Sound
    still: tuple[str, ...]
    saturation: Saturation
    warnings: tuple[str, ...]


def quantize_file(
    model: Path,
    data: Path,
    output: Path,
    progress: Callable[[str, int, int], None] = lambda what, done, total: None,
    *,
    balanced: bool = False,
    chain: Path | None = None,
    result: str | None = None,
    activations: Activations = "int8",
    threshold_db: float = AUTO_DB,
) -> QuantizeReport:
    """Calibrate the float `model` on all recordings under `data` and write `output`.

    With `balanced`, scales are moved between layers first. `activations` are "int8", "int16", or "auto": int16 where int8
    would leave a value a signal-to-noise ratio of less than `threshold_db`. Values in int16 have room for the recordings at
    full scale. `chain` and `result` are as for `load_row`; `output` holds the chain in its metadata. Of networks in a row
    `output` is a TOML file, with the models beside it; each is calibrated on what the float networks before it give.

    Raises:
        InputError: the model is no float model that codesign can lower, no usable recording, or `output` cannot be written.
    """
    row = _float_row(model, chain, result)
    targets = quantized_paths(output, len(row.graphs))
    check_row(row.chains)
    analyses, pieces, sound, notes = _analyses(data, row.chains[0], progress)
    loud = [] if activations == "int8" else [analyse(row.chains[0], piece) for piece in pieces]
    found = []
    # Reports, images and C are of this file, not of the float one; in a row of networks each keeps its own name.
    graphs = row.graphs if row.graphs[1:] else (replace(row.graphs[0], name=output.stem),)
    for number, (graph, target) in enumerate(zip(graphs, targets, strict=True)):
        if number:
            progress("the network before", 0, 0)
            before = row.graphs[number - 1]
            analyses, loud = ([_given(before, graph.frontend, each) for each in some] for some in (analyses, loud))
        features, louder = ([each.features for each in some] for some in (analyses, loud))
        found.append(_quantized(graph, features, louder, target, progress, balanced, activations, threshold_db))
    if targets != (output,):
        names = [path.name for path in targets]
        with replace_file(output) as temporary:
            temporary.write_text(row_text(row.name, names), encoding="utf-8")
    labels = [f"{graph.name}: " if found[1:] else "" for graph in row.graphs]
    labelled = list(zip(labels, found, strict=True))
    return QuantizeReport(
        files=len(analyses),
        seconds=sound.seconds,
        layers=tuple(replace(layer, name=label + layer.name) for label, one in labelled for layer in one.layers),
        balanced=tuple(pair for one in found for pair in one.moved),
        notes=(*(label + note for label, graph in zip(labels, row.graphs, strict=True) for note in graph.notes), *notes),
        sound=sound,
        still=tuple(label + name for label, one in labelled for name in one.still),
        saturation=together("the recordings", [one.saturation for one in found]),
        warnings=(*warnings_of(sound), *(label + text for label, one in labelled for text in one.warnings)),
    )


def quantized_paths(output: Path, count: int) -> tuple[Path, ...]:
    """Where the models go: to `output`, or of networks in a row beside the TOML file that it is.

    Raises:
        InputError: networks in a row, and `output` is no TOML file.
    """
    if count == 1:
        return (output,)
    if output.suffix.lower() != SUFFIX:
        raise InputError(f"{output} cannot hold {count} networks", hint=f"-o {output.stem}.toml: the models go beside it")
    return tuple(output.with_name(f"{output.stem}_{number}.onnx") for number in range(1, count + 1))


@dataclass(frozen=True)
class _One:
    """What became of one network."""

    layers: tuple[LayerReport, ...]
    moved: tuple[Balanced, ...]
    still: tuple[str, ...]
    saturation: Saturation
    warnings: tuple[str, ...]


def _quantized(
    graph: Graph,
    features: list[Features],
    louder: list[Features],
    output: Path,
    progress: Callable[[str, int, int], None],
    balanced: bool,
    activations: Activations,
    threshold_db: float,
) -> _One:
    moved: tuple[Balanced, ...] = ()
    if balanced:
        progress("balance", 0, 0)
        graph, moved = balance(graph, channels_of(graph, features))
    progress("calibrate", 0, 0)
    moments: dict[str, npt.NDArray[np.float64]] = {}
    seen = observe(graph, features, moments)
    quantized = quantize_seen(graph, seen, activations, threshold_db, observe(graph, louder) if louder else None, moments)
    unmoved = still(quantized.quants, {name: values for name, values in seen.items() if graph.state(name) is None})
    network = _lowered(quantized)
    write_qdq(quantized, output)
    layers = compare(graph, quantized, network, features, progress)
    saturation = _saturation(quantized, seen)
    return _One(layers, moved, unmoved, saturation, (*_of_still(unmoved), *_of_mask(saturation)))


def _given(graph: Graph, second: Chain, analysis: Analysis) -> Analysis:
    """What the network after `graph`, in its chain `second`, is given."""
    outputs = np.stack([values[graph.output].ravel() for values in float_steps(graph, analysis.features)])
    return handed_over(graph.frontend, second, analysis.spectrum, outputs.astype(np.float32))


def _float_row(model: Path, chain: Path | None, result: str | None) -> NetworkRow:
    """The float networks of a file: also those of quantized ones whose own integers cannot be computed with.

    Raises:
        InputError: a file cannot be used, or is quantized and can be built as it is.
    """
    try:
        row = load_row(model, chain, result)
        quantized = [(path, graph) for path, graph in zip(row.paths, row.graphs, strict=True) if graph.quants]
        if not quantized:
            return row
        for _, graph in quantized:
            lower(graph)
    except InputError as error:
        if not error.hint.endswith(QUANTIZE_HINT):
            raise
        row = load_row(model, chain, result, as_float=True)
        why = f"quantized anew from the numbers that its weights stand for: {error.message.removeprefix(f'{model}: ')}"
        return replace(row, graphs=tuple(replace(graph, notes=(*graph.notes, why)) for graph in row.graphs))
    raise InputError(f"{quantized[0][0]} is quantized already", hint="build it as it is, or give the float model")


def _lowered(quantized: Graph) -> Network:
    """Refuses here what the firmware could not compute, with what is wrong with the float network."""
    try:
        return lower(quantized)
    except InputError as error:
        hint = _TOO_LARGE if error.hint.endswith(QUANTIZE_HINT) else error.hint
        raise InputError(error.message, hint=hint) from error


def _of_still(names: Sequence[str]) -> tuple[str, ...]:
    if not names:
        return ()
    shown = ", ".join(f"'{name}'" for name in names[:_NAMED]) + (f" and {len(names) - _NAMED} more" if names[_NAMED:] else "")
    return (f"{shown} hardly moved while the recordings played: the scales fit nothing else",)


def _of_mask(saturation: Saturation) -> tuple[str, ...]:
    if not saturation.mask_beyond:
        return ()
    percent = 100 * saturation.mask_beyond / saturation.mask
    return (f"the mask is beyond its range in {percent:.3g} % of its values: end the network in a sigmoid",)


def _saturation(graph: Graph, seen: Seen) -> Saturation:
    """Of what the float network did, under the parameters of the quantized one."""
    mask = seen.get(graph.output, np.zeros(0, np.float32))  # one that is an LSTM's output stays below 1
    return of_values(
        "the recordings", seen[graph.input], graph.quants.get(graph.input), mask, graph.quants.get(graph.output, UNIT)
    )


def _analyses(
    data: Path, config: Chain, progress: Callable[[str, int, int], None]
) -> tuple[list[Analysis], list[Pcm], Sound, tuple[str, ...]]:
    """Of all recordings, pieces of them at full scale, what they sound like, and what is amiss with the files."""
    if not data.is_dir():
        raise InputError(f"{data} is not a folder", hint="give a folder of WAV or FLAC files")
    paths = sorted(path for path in data.rglob("*") if path.suffix.lower() in AUDIO)
    if not paths:
        raise InputError(f"no {', '.join(AUDIO)} files under {data}", hint="give a folder of noisy recordings")
    found, pieces, notes, seconds, meter = [], list[Pcm](), list[str](), 0.0, SoundMeter(config.sample_rate, config.hop)
    rates: Counter[int] = Counter()
    for index, path in enumerate(paths):
        progress("read recordings", index, len(paths))
        audio = read_audio(path, config.sample_rate)
        notes += [f"{path.relative_to(data)}: {what}" for what in audio.source.amiss]
        rates[audio.source_rate] += 1
        pcm = audio.pcm[: max(1, int((MAX_SECONDS - seconds) * config.sample_rate))]
        found.append(analyse(config, whole_hops(pcm, config.hop)))
        if len(pieces) < LOUD_PIECES and (piece := at_full_scale(pcm, config.sample_rate)).size:
            pieces.append(whole_hops(piece, config.hop))
        meter.add(pcm)
        seconds += pcm.size / config.sample_rate
        if seconds >= MAX_SECONDS - 1e-3:
            break
    others = [(rate, count) for rate, count in sorted(rates.items()) if rate != config.sample_rate]
    notes += [
        f"{counted(n, 'recording')} resampled from {rate:,} Hz to the chain's {config.sample_rate:,} Hz" for rate, n in others
    ]
    return found, pieces, meter.sound(), tuple(notes)

# SPDX-License-Identifier: Apache-2.0
"""What makes enhanced signals: a model, run as codesign runs it, or recordings that something else made."""

from __future__ import annotations

import hashlib
import itertools
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from codesign.base.audio import Source, read_audio
from codesign.base.errors import ToolError
from codesign.base.signals import Pcm
from codesign.compiler.frontend import Chain
from codesign.compiler.frontend.makeup import makeup_of
from codesign.compiler.lower.network import Network
from codesign.compiler.lower.row import check_row, lower_row
from codesign.compiler.model import Graph, NetworkRow, load_row
from codesign.compiler.quantize.float_run import float_steps
from codesign.compiler.reference.frontend import Before, analyse, handed_over, output_of
from codesign.compiler.reference.saturation import Saturation, of_run, together
from codesign.firmware.machines import HOST, MACHINES
from codesign.firmware.machines.alignment import alignment_of
from codesign.firmware.machines.run import Run
from codesign.firmware.toolchain import build_host
from codesign.proof.equality import run_reference

FLOAT = "float"


@dataclass(frozen=True)
class System:
    """`enhance` turns an item's name and its noisy int16 PCM at `sample_rate` (None: any) into enhanced int16 PCM.

    The delay that `enhance` adds is removed. `how` says what ran, `origin` is the file or pattern, `sha256` a model's.
    `sources`, item → what is to be said of its file, is filled as `enhance` reads; `saturation` is what of all items so far was
    beyond the integers of a quantized model. `makeup` is what a model takes of speech, in dB at the frequencies of
    frontend.makeup, () where it does not say it.
    """

    name: str
    how: str
    origin: str
    enhance: Callable[[str, Pcm], Pcm]
    sample_rate: int | None = None
    sha256: str = ""
    sources: dict[str, Source] = field(default_factory=dict)
    saturation: Callable[[], Saturation | None] = lambda: None
    makeup: tuple[float, ...] = ()


def names_of(models: Sequence[Path]) -> list[str]:
    """Names of models by their files: without the ending, with the folder where two would have the same."""
    stems = Counter(path.stem for path in models)
    return [path.stem if stems[path.stem] == 1 else f"{path.parent.name}/{path.stem}" for path in models]


def model_system(
    name: str,
    path: Path,
    folder: Path,
    chain: Path | None = None,
    result: str | None = None,
    attenuation_limit: float | None = None,
    speech_loss: tuple[float, ...] = (),
    *,
    real_values: bool = False,
) -> System:
    """A model, arguments as for load_row: quantized ones in the host library, built below `folder` (in the NumPy reference
    without a compiler: the same bits), float ones in float. Of a fitting, `attenuation_limit` holds where the chain has none,
    and `speech_loss` in place of the chain's. With `real_values`, a quantized one computes in float with the numbers that its
    integer weights stand for, and no value is rounded.

    Raises:
        InputError: the model cannot be used.
    """
    row = load_row(path, chain, result, as_float=real_values)
    if attenuation_limit is not None and row.chains[0].attenuation_limit is None:
        row = row.changed(attenuation_limit=attenuation_limit)
    if speech_loss:
        row = row.changed(speech_loss=speech_loss)
    return row_system(name, path, row, folder)


def model_systems(
    name: str,
    path: Path,
    folder: Path,
    chain: Path | None,
    result: str | None,
    attenuation_limit: float | None,
    speech_loss: tuple[float, ...],
    *,
    real_values: bool,
) -> list[System]:
    """What `model_system` makes of a model and, with `real_values`, of a quantized one's real values beside it."""
    settings = (path, folder, chain, result, attenuation_limit, speech_loss)
    made = model_system(name, *settings)
    if not real_values or made.how == FLOAT:
        return [made]
    return [made, model_system(f"{name}, real values", *settings, real_values=True)]


def row_system(name: str, path: Path, row: NetworkRow, folder: Path) -> System:
    """What `model_system` makes of the networks of a file. Recordings are at their rate, and no beamformer is in front.

    Raises:
        InputError: they cannot follow each other.
    """
    row = row.changed(resample=1, beamformer=None)
    config, last = row.chains[0], row.chains[-1]
    makeup = makeup_of(last) if last.compressor is None else ()  # a chain's own compression has it already
    if not all(graph.quants for graph in row.graphs):
        check_row(row.chains)
        sha256 = row.graphs[0].sha256
        run = _aligned(config, float_enhancer(*row.graphs))
        return System(name, FLOAT, str(path), run, config.sample_rate, sha256, makeup=makeup)
    network = lower_row(row.graphs, row.name)
    integers, how = _integer_run(network, folder / hashlib.sha256(name.encode()).hexdigest()[:12])
    seen: list[Saturation] = []

    def enhance(pcm: Pcm) -> Pcm:
        found = integers(pcm)
        seen.append(of_run(name, row.graphs[-1], network, pcm, found.mask))
        return found.pcm

    return System(
        name,
        how,
        str(path),
        _aligned(config, enhance),
        config.sample_rate,
        network.sha256,
        saturation=lambda: together(name, seen) if seen else None,
        makeup=makeup,
    )


def _integer_run(network: Network, folder: Path) -> tuple[Callable[[Pcm], Run], str]:
    """Whole hops of PCM through the integer network, and what runs it."""
    try:
        image = build_host(network, folder)
    except ToolError:
        return (lambda pcm: run_reference(network, pcm)), "int8, NumPy reference"
    return (lambda pcm: MACHINES[HOST].run(image, pcm)), "int8, host library"


def _aligned(config: Chain, run: Callable[[Pcm], Pcm]) -> Callable[[str, Pcm], Pcm]:
    """`run` over an item, the pipeline's delay removed."""
    alignment = alignment_of(config)
    return lambda item, noisy: alignment.apply(noisy, run)


def float_enhancer(*graphs: Graph) -> Callable[[Pcm], Pcm]:
    """Whole hops of PCM through the front end and networks that follow each other, in double precision."""

    def run(pcm: Pcm) -> Pcm:
        analysis = analyse(graphs[0].frontend, pcm)
        before = Before(analysis.spectrum) if graphs[1:] else None
        for graph, after in itertools.zip_longest(graphs, graphs[1:]):
            rows = [values[graph.output].ravel() for values in float_steps(graph, analysis.features)]
            outputs = np.stack(rows).astype(np.float32)
            if after is not None:
                before = before.after(graph.frontend, outputs) if before else None
                analysis = handed_over(graph.frontend, after.frontend, analysis.spectrum, outputs)
        return output_of(graphs[-1].frontend, pcm, analysis.spectrum, outputs, before=before)

    return run


def recorded_system(name: str, files: Mapping[str, Path], sample_rate: int, origin: str, delay: int = 0) -> System:
    """Recordings, item → file, that lag by `delay` samples of their own; they are resampled to `sample_rate` Hz.

    Raises:
        InputError: when used, a recording that cannot be read.
    """
    sources: dict[str, Source] = {}

    def enhance(item: str, noisy: Pcm) -> Pcm:
        audio = read_audio(files[item], sample_rate)
        sources[item] = audio.source
        return audio.pcm[round(delay * sample_rate / audio.source_rate) :]

    return System(name, "recordings", origin, enhance, sample_rate, sources=sources)

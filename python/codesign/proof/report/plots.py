# SPDX-License-Identifier: Apache-2.0
"""PNG plots for slides and papers, with matplotlib (extra "plots"): the page itself draws without it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from codesign.base.files import make_folder
from codesign.base.files.output_file import replace_file
from codesign.drawing.spectrogram import QUIETEST_TOP_DB, RANGE_DB, levels
from codesign.firmware.doctor import missing
from codesign.proof.proof import Proof
from codesign.proof.recordings import Recording
from codesign.proof.report.content import FrameCost, Report

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def write_plots(folder: Path, report: Report, proof: Proof, recordings: Sequence[Recording]) -> list[Path]:
    """frames.png, layers.png, memory.png and a spectrogram_<n>.png for every recording, into `folder`; returns their paths.

    Raises:
        ToolError: matplotlib is not installed.
        InputError: the folder cannot be made or written.
    """
    figure_class = load_figure()
    make_folder(folder)
    figures: dict[str, Any] = {}
    if report.cost is not None:
        figures["frames"] = _frames(figure_class(figsize=(9, 3.5)), report, report.cost)
    if report.layers:
        figures["layers"] = _layers(figure_class(figsize=(9, 4)), report)
    if report.memories:
        figures["memory"] = _memory(figure_class(figsize=(9, 3)), report)
    config = proof.image.network.frontend
    for index, (recording, enhanced) in enumerate(zip(recordings, proof.enhanced, strict=True), start=1):
        signals = [("noisy", recording.noisy), ("enhanced", enhanced)]
        signals += [] if recording.clean is None else [("clean", recording.clean)]
        figure = figure_class(figsize=(9, 2.3 * len(signals)))
        figures[f"spectrogram_{index}"] = spectrograms(figure, recording.name, signals, config.ends.rate, config.n_fft)
    return [save(figure, folder / f"{name}.png") for name, figure in figures.items()]


def load_figure() -> type[Figure]:
    """Matplotlib's Figure, without its windows.

    Raises:
        ToolError: matplotlib is not installed.
    """
    try:
        from matplotlib import figure
    except ImportError as error:
        raise missing("matplotlib") from error
    found: type[Figure] = figure.Figure
    return found


def save(figure: Figure, path: Path) -> Path:
    """Write one figure."""
    with replace_file(path) as temporary:
        figure.savefig(temporary, dpi=150)
    return path


def _frames(figure: Figure, report: Report, cost: FrameCost) -> Figure:
    trace = report.trace
    axes = figure.subplots()
    seconds = np.arange(len(trace.high)) * trace.per_column * cost.hop_ms / 1000
    axes.fill_between(seconds, trace.low, trace.high, step="post", alpha=0.4, label="lowest to highest")
    axes.step(seconds, trace.mean, where="post", label="mean")
    axes.axhline(cost.limit_instructions, color="tab:orange", label=f"limit, {cost.limit_ms:g} ms (estimate)")
    if trace.worst_frame is not None:
        at = trace.worst_frame * cost.hop_ms / 1000
        axes.plot(at, cost.worst_instructions, "o", color="tab:red", label="worst frame")
    axes.set(
        xlabel="seconds of the proof signal",
        ylabel="instructions per frame",
        ylim=(0, min(1.1 * cost.limit_instructions, 4 * cost.worst_instructions)),
    )
    return finish(figure, axes, f"{report.model.name} on {report.target.name}", legend=True)


def _layers(figure: Figure, report: Report) -> Figure:
    axes = figure.subplots()
    names = [plain(layer.name) for layer in report.layers][::-1]
    values = [layer.worst_instructions for layer in report.layers][::-1]
    axes.bar_label(axes.barh(names, values), labels=[f"{value:,}" for value in values], padding=3, fontsize=8)
    axes.set(xlabel="instructions of the worst frame (exact)", xlim=(0, max(values) * 1.15))
    return finish(figure, axes, "Layers")


def _memory(figure: Figure, report: Report) -> Figure:
    axes = figure.subplots()
    used = [memory for memory in report.memories if memory.used][::-1]
    for row, memory in enumerate(used):
        left = 0.0
        for part in memory.parts:
            share = 100 * part.bytes / memory.used
            axes.barh(row, share, left=left, edgecolor="white")
            if share > len(part.label):  # about as many characters fit as it has percent
                axes.text(left + share / 2, row, plain(part.label), ha="center", va="center", fontsize=7)
            left += share
    axes.set_yticks(range(len(used)), [f"{memory.name}\n{memory.used:,} bytes" for memory in used])
    axes.set(xlabel="% of the bytes used (exact)")
    return finish(figure, axes, "Memory")


def spectrograms(figure: Figure, name: str, signals: list[tuple[str, Any]], rate: int, n_fft: int) -> Figure:
    """One row a signal, (label, int16 PCM), on one scale of levels."""
    found = [(label, levels(pcm, n_fft), pcm.size / rate) for label, pcm in signals]
    top = max(QUIETEST_TOP_DB, *(float(level.max()) for _, level, _ in found))
    rows = figure.subplots(len(found), 1, sharex=True, squeeze=False)
    for axes, (label, level, seconds) in zip(rows[:, 0], found, strict=True):
        extent = (0, seconds, 0, rate / 2000)
        axes.imshow(level, origin="lower", aspect="auto", extent=extent, vmin=top - RANGE_DB, vmax=top, cmap="magma")
        axes.set(ylabel="kHz")
        axes.set_title(label, fontsize=9, loc="left")
    rows[-1, 0].set(xlabel="seconds")
    figure.suptitle(plain(name), fontsize=10)
    figure.set_layout_engine("tight")
    return figure


def finish(figure: Figure, axes: Any, title: str, *, legend: bool = False) -> Figure:
    """Title, legend and layout."""
    axes.set_title(plain(title), fontsize=10)
    if legend:
        axes.legend(fontsize=8)
    figure.set_layout_engine("tight")
    return figure


def plain(name: str) -> str:
    """A name that matplotlib does not take for a formula."""
    return name.replace("$", r"\$")

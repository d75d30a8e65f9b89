# SPDX-License-Identifier: Apache-2.0
"""PNG plots of an evaluation, with matplotlib (extra "plots")."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from codesign.base.audio import FULL_SCALE
from codesign.base.files import make_folder
from codesign.hearing.evaluate.evaluation import Evaluation
from codesign.hearing.evaluate.measures import Measure
from codesign.hearing.evaluate.scoring import Signals
from codesign.proof.report.plots import load_figure, plain, save, spectrograms

N_FFT = 512
BIN_DB = 3.0
"""Items within this of each other are averaged in the plot of figures by input SI-SDR."""


def write_plots(folder: Path, evaluation: Evaluation, heard: Mapping[str, Signals]) -> list[Path]:
    """by_input.png, and waveforms_<n>.png and spectrograms_<n>.png for every item in `heard`; returns their paths.

    Raises:
        ToolError: matplotlib is not installed.
        InputError: the folder cannot be made or written.
    """
    figure_class = load_figure()
    make_folder(folder)
    written = []
    measures = [
        measure for measure in evaluation.measures if any(s.values.get(measure.key) is not None for s in evaluation.scores)
    ]
    if measures and any(item.input_db is not None for item in evaluation.items):
        figure = figure_class(figsize=(5 * len(measures), 4))
        written.append(save(_by_input(figure, evaluation, measures), folder / "by_input.png"))
    names = [subject.name for subject in evaluation.systems]
    for number, (item, signals) in enumerate(heard.items(), start=1):
        rows = [(name, signals[name]) for name in (*names, "clean")]
        figure = figure_class(figsize=(9, 1.6 * len(rows)))
        written.append(save(_waveforms(figure, item, rows, evaluation.sample_rate), folder / f"waveforms_{number}.png"))
        figure = figure_class(figsize=(9, 2.3 * len(rows)))
        drawn = spectrograms(figure, item, rows, evaluation.sample_rate, N_FFT)
        written.append(save(drawn, folder / f"spectrograms_{number}.png"))
    return written


def _by_input(figure: Any, evaluation: Evaluation, measures: list[Measure]) -> Any:
    """Every item as a point, means of neighbours as a line."""
    level = {item.name: item.input_db for item in evaluation.items}
    for axes, measure in zip(figure.subplots(1, len(measures), squeeze=False)[0], measures, strict=True):
        for index, subject in enumerate(evaluation.systems):
            points = np.array(
                [
                    (level[s.item], s.values[measure.key])
                    for s in evaluation.scores
                    if s.system == subject.name and level[s.item] is not None and s.values.get(measure.key) is not None
                ],
                np.float64,
            ).reshape(-1, 2)
            if not len(points):
                continue
            colour = f"C{index}"
            axes.plot(*points.T, ".", color=colour, alpha=0.5)
            bins = np.round(points[:, 0] / BIN_DB)
            centres = np.array([points[bins == b].mean(axis=0) for b in np.unique(bins)])
            axes.plot(*centres.T, "-", color=colour, label=plain(subject.name))
        axes.set(
            xlabel="SI-SDR of the noisy signal, dB", ylabel=f"{measure.name}, {measure.unit}" if measure.unit else measure.name
        )
        axes.grid(alpha=0.3)
    figure.axes[0].legend(fontsize=8)
    figure.set_layout_engine("tight")
    return figure


def _waveforms(figure: Any, name: str, signals: list[tuple[str, Any]], rate: int) -> Any:
    top = max(1.0, *(float(np.abs(pcm.astype(np.int32)).max()) for _, pcm in signals)) / FULL_SCALE
    rows = figure.subplots(len(signals), 1, sharex=True, squeeze=False)
    for axes, (label, pcm) in zip(rows[:, 0], signals, strict=True):
        axes.plot(np.arange(pcm.size) / rate, pcm / FULL_SCALE, linewidth=0.4)
        axes.set(ylim=(-top, top), xlim=(0, pcm.size / rate))
        axes.set_title(plain(label), fontsize=9, loc="left")
    rows[-1, 0].set(xlabel="seconds")
    figure.suptitle(plain(name), fontsize=10)
    figure.set_layout_engine("tight")
    return figure

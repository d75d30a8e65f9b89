# SPDX-License-Identifier: Apache-2.0
"""The log of a run: a line every so often, and event files of TensorBoard where it is installed."""

from __future__ import annotations

import contextlib
import importlib.util
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from codesign.learning.train.validation import Heard, Judged

LINE_EVERY = 50
CURVES = "curves.csv"
"""In the run's folder: a line for each figure of each step that was said."""
DYNAMICS_DB = 80.0
"""Of spectrograms, from black to white."""
_WINDOW = 512
_SHOWN = {"si_sdr": "SI-SDR {:.2f} dB", "estoi": "ESTOI {:.3f}", "pesq": "PESQ-WB {:.2f}", "balanced": "balanced score {:.3f}"}


def shown(figures: dict[str, float]) -> str:
    """Figures of a validation for people."""
    return ", ".join(_SHOWN[name].format(value) for name, value in figures.items())


Curves = dict[str, list[tuple[int, float]]]
"""What a log shows over the steps: name → (step, value)."""


def read_curves(path: Path) -> Curves:
    """The curves in a file that a `Log` wrote; none where there is no such file, and no line that is damaged."""
    found: Curves = {}
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except OSError:
        return found
    for line in lines[1:]:
        step, _, rest = line.partition(",")
        name, _, value = rest.rpartition(",")
        with contextlib.suppress(ValueError):
            points = found.setdefault(name, [])
            while points and points[-1][0] >= int(step):  # from before the run went on at an earlier step
                points.pop()
            points.append((int(step), float(value)))
    return found


class Log:
    """Collects the figures of steps; `say` gets a line with their means every `LINE_EVERY` steps.

    Beside `folder`, curves.csv has every figure that is said, for plots. TensorBoard gets them too, and of each validation its
    figures, sounds and spectrograms; the recipe stands beside them.
    """

    def __init__(self, say: Callable[[str], None] = lambda line: None, folder: Path | None = None, recipe: str = "") -> None:
        self._say = say
        self._sums: dict[str, float] = {}
        self._count = 0
        self._curves = None if folder is None else folder.parent / CURVES
        self._writer: Any = None
        if folder is not None and importlib.util.find_spec("tensorboard") is not None:
            from torch.utils.tensorboard import SummaryWriter

            try:
                self._writer = SummaryWriter(str(folder))  # type: ignore[no-untyped-call]
            except OSError as error:
                say(f"no TensorBoard log: cannot write {folder}: {error.strerror}")
        if recipe:
            self._write(lambda writer: writer.add_text("recipe", f"```\n{recipe}\n```", 0))

    def step(self, step: int, figures: dict[str, float]) -> None:
        """Figures of one step."""
        for name, value in figures.items():
            self._sums[name] = self._sums.get(name, 0.0) + value
        self._count += 1
        if step % LINE_EVERY == 0:
            means = {name: value / self._count for name, value in self._sums.items()}
            self._say(f"step {step} " + " ".join(f"{name} {value:.4g}" for name, value in means.items()))
            self._write(lambda writer: [writer.add_scalar(name, value, step) for name, value in means.items()])
            self._keep(step, means)
            self._sums, self._count = {}, 0

    def validation(self, step: int, judged: Judged) -> None:
        """Figures of the averaged network on the validation set, and what it makes of some of it."""
        self._say(f"step {step} validation {shown(judged.figures)}")
        self._keep(step, {f"validation/{name}": value for name, value in judged.figures.items()})

        def write(writer: Any) -> None:
            for name, value in judged.figures.items():
                writer.add_scalar(f"validation/{name}", value, step)
            for number, heard in enumerate(judged.heard):
                _add_sounds(writer, f"mixture {number}", heard, step)

        self._write(write)

    def _keep(self, step: int, figures: dict[str, float]) -> None:
        if self._curves is None:
            return
        try:
            new = not self._curves.exists()
            with self._curves.open("a", encoding="utf-8") as file:
                file.write("step,figure,value\n" if new else "")
                file.writelines(f"{step},{name},{value:.6g}\n" for name, value in figures.items())
        except OSError as error:  # a log is no reason to lose a run
            self._say(f"no curves from here on: cannot write {self._curves}: {error.strerror}")
            self._curves = None

    def _write(self, write: Callable[[Any], object]) -> None:
        if self._writer is None:
            return
        try:
            write(self._writer)
            self._writer.flush()
        except OSError as error:  # a log is no reason to lose a run
            self._say(f"no TensorBoard log from here on: {error.strerror}")
            self._writer = None


def _add_sounds(writer: Any, name: str, heard: Heard, step: int) -> None:
    has_images = importlib.util.find_spec("PIL") is not None
    for kind, signal in (("noisy", heard.noisy), ("enhanced", heard.enhanced), ("clean", heard.clean)):
        writer.add_audio(f"{name}/{kind}", signal[None], step, sample_rate=heard.sample_rate)
        if has_images:
            writer.add_image(f"{name}/{kind}", _spectrogram(signal)[None], step)


def _spectrogram(signal: Tensor) -> Tensor:
    """[bins, frames] of 0 to 1, low frequencies at the bottom, the loudest bin 1."""
    window = min(_WINDOW, signal.numel())
    spectrum = torch.stft(signal, window, window // 4, window=torch.hann_window(window), return_complex=True).abs()
    level = 20 * torch.log10(spectrum / spectrum.max().clamp_min(1e-9) + 1e-9)
    return (level / DYNAMICS_DB + 1).clamp(0, 1).flip(0)

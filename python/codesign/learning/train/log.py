# SPDX-License-Identifier: Apache-2.0
"""The log of a run: a line every so often, and event files of TensorBoard where it is installed."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from pathlib import Path
from typing import Any

LINE_EVERY = 50


class Log:
    """Collects the figures of steps; `say` gets a line with their means every `LINE_EVERY` steps."""

    def __init__(self, say: Callable[[str], None] = lambda line: None, folder: Path | None = None) -> None:
        self._say = say
        self._sums: dict[str, float] = {}
        self._count = 0
        self._writer: Any = None
        if folder is not None and importlib.util.find_spec("tensorboard") is not None:
            from torch.utils.tensorboard import SummaryWriter

            try:
                self._writer = SummaryWriter(str(folder))  # type: ignore[no-untyped-call]
            except OSError as error:
                say(f"no TensorBoard log: cannot write {folder}: {error.strerror}")

    def step(self, step: int, figures: dict[str, float]) -> None:
        """Figures of one step."""
        for name, value in figures.items():
            self._sums[name] = self._sums.get(name, 0.0) + value
        self._count += 1
        if step % LINE_EVERY == 0:
            means = {name: value / self._count for name, value in self._sums.items()}
            self._say(f"step {step} " + " ".join(f"{name} {value:.4g}" for name, value in means.items()))
            self._write(step, means)
            self._sums, self._count = {}, 0

    def validation(self, step: int, score: float) -> None:
        """SI-SDR of the averaged network on the validation set."""
        self._say(f"step {step} validation SI-SDR {score:.2f} dB")
        self._write(step, {"validation SI-SDR dB": score})

    def _write(self, step: int, values: dict[str, float]) -> None:
        if self._writer is None:
            return
        try:
            for name, value in values.items():
                self._writer.add_scalar(name, value, step)
            self._writer.flush()
        except OSError as error:  # a log is no reason to lose a run
            self._say(f"no TensorBoard log from here on: {error.strerror}")
            self._writer = None

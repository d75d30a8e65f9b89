# SPDX-License-Identifier: Apache-2.0
"""A run frame by frame, reduced to as many columns as a picture has."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from codesign.firmware.machines.run import Run
from codesign.proof.report.content import FrameSeries, Segment

MAX_COLUMNS = 500


def trace_of(run: Run, reference: Run, parts: tuple[tuple[str, int], ...], hop: int) -> FrameSeries:
    """The series of a run against its reference; `parts` are (name, samples) of the signal in order."""
    counted = run.instructions if run.instructions is not None else np.zeros(0, np.int64)
    per_column = max(1, -(-reference.frames // MAX_COLUMNS))
    starts = np.cumsum([0, *(samples for _, samples in parts[:-1])])
    return FrameSeries(
        frames=reference.frames,
        counted_frames=len(counted),
        per_column=per_column,
        worst_frame=int(counted.argmax()) if counted.size else None,
        low=tuple(columns(counted, per_column, np.min)),
        mean=tuple(columns(counted.astype(np.float64), per_column, np.mean)),
        high=tuple(columns(counted, per_column, np.max)),
        skipped=tuple(columns(reference.skipped.astype(np.int64), per_column, np.sum)),
        difference=tuple(columns(differences(run, reference, hop), per_column, np.max)),
        segments=tuple(Segment(name, int(start) // hop) for (name, _), start in zip(parts, starts, strict=True)),
    )


def differences(run: Run, reference: Run, hop: int) -> npt.NDArray[np.int64]:
    """Largest |emulated − reference| of every frame in LSB: int64 (frames,). Frames that only one has are left out."""
    frames = min(run.pcm.size // hop, reference.frames)
    length = frames * hop
    found = np.abs(run.pcm[:length].astype(np.int64) - reference.pcm[:length]).reshape(frames, hop).max(axis=1, initial=0)
    if run.signals is not None:
        mask = np.abs(run.signals.mask[:frames].astype(np.int64) - reference.mask[:frames]).max(axis=1, initial=0)
        found = np.maximum(found, mask)
    return np.asarray(found)


def columns(series: npt.NDArray[Any], per_column: int, reduce: Callable[[npt.NDArray[Any]], Any]) -> list[Any]:
    """`reduce` of every `per_column` values of a series (n,), as Python numbers; the last column may have fewer."""
    return [reduce(series[start : start + per_column]).item() for start in range(0, len(series), per_column)]

# SPDX-License-Identifier: Apache-2.0
"""What a report says: figures, names and series; nothing of how they are drawn. cli/schemas/report.schema.json
describes it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from codesign.proof.aid import AidFigures
from codesign.proof.judgement import QualitySummary
from codesign.proof.verdict import Check

SCHEMA_VERSION: Literal[1] = 1

Basis = Literal["exact", "bound", "measured", "estimate"]
"""exact: read or counted, repeatable; bound: proven not to be exceeded; measured: of the recordings; estimate: modelled."""


@dataclass(frozen=True)
class Metric:
    """One figure that two reports can be compared by. `better` says which direction is an improvement."""

    name: str
    value: float
    unit: str
    better: Literal["less", "more"]
    basis: Basis


@dataclass(frozen=True)
class BudgetRow:
    """One limit. `error` is the relative error of an estimate: it is within the budget when used · (1 + error) is."""

    name: str
    used: float
    limit: float
    unit: str
    basis: Basis
    ok: bool
    error: float = 0.0


@dataclass(frozen=True)
class ModelRow:
    """The network as it was loaded; `sha256` is of the model file, the front end's lengths are in samples, rates in Hz, and
    `chain` is all of it in words. A frame is due `deadline_ms` after its hop.
    """

    name: str
    sha256: str
    licence: str
    macs: int
    sample_rate: int
    window: int
    hop: int
    n_fft: int
    n_mels: int
    chain: str
    algorithmic_ms: float
    deadline_ms: float


@dataclass(frozen=True)
class BoardRow:
    """The board, as its card says, and the emulator that stood in for it.

    timing_error and timing_source are of the estimate of cycles, None and "" where there is none. cycles_per_instruction is the
    average that it was made with, None where every block went through a model of the core's pipeline instead.
    """

    name: str
    title: str
    cpu: str
    clock_hz: int
    cycles_per_instruction: float | None
    timing_error: float | None
    timing_source: str
    emulator: str


@dataclass(frozen=True)
class SymbolRow:
    """A piece of a part, by its symbol."""

    name: str
    bytes: int


@dataclass(frozen=True)
class PartRow:
    """A layer, or another piece of the image, in one memory; symbols largest first."""

    label: str
    bytes: int
    symbols: tuple[SymbolRow, ...]


@dataclass(frozen=True)
class MemoryRow:
    """One memory region of the board in bytes; the parts add up to `used`."""

    name: str
    kind: Literal["flash", "ram"]
    used: int
    usable: int
    parts: tuple[PartRow, ...]


@dataclass(frozen=True)
class BufferRow:
    """`bytes` at `offset` of the arena, in use during `stages` (indices into PlanTable.stages)."""

    name: str
    offset: int
    bytes: int
    stages: tuple[int, ...]
    persistent: bool


@dataclass(frozen=True)
class PlanTable:
    """The enhancer's arena: `lower_bound` is the most that is alive in one stage, no plan can be smaller."""

    bytes: int
    lower_bound: int
    kernel: str
    stages: tuple[str, ...]
    buffers: tuple[BufferRow, ...]


@dataclass(frozen=True)
class StackRow:
    """Worst case of the call graph in bytes, and what the emulated run used. `problem` is why there is no bound, or ""."""

    bytes: int
    path: tuple[tuple[str, int], ...]
    used: int | None
    problem: str


@dataclass(frozen=True)
class LayerRow:
    """One stage of a frame. Instructions are exact; `worst_cycles`, of the stage's own worst frame with its waits for flash,
    are an estimate, and `share` is of all stages' worst_cycles.

    `flash` are the bytes of its code and constants, `arena` the bytes of the arena in use while it runs.
    """

    name: str
    kind: str
    macs: int
    worst_instructions: int
    mean_instructions: float
    instructions_per_mac: float | None
    worst_cycles: float
    share: float
    flash: int
    arena: int | None


@dataclass(frozen=True)
class FrameCost:
    """Cost of a frame. Instructions are exact; milliseconds are estimates with relative error `error`."""

    worst_instructions: int
    mean_instructions: float
    counted_frames: int
    network_instructions: int | None
    instructions_per_mac: float | None
    worst_ms: float
    mean_ms: float
    error: float
    hop_ms: float
    limit_ms: float
    limit_instructions: float


@dataclass(frozen=True)
class DelayRow:
    """From input to output, samples and ms. `algorithmic_ms` is the chain's with the block that it waits for, `buffers_ms` what
    the application keeps waiting beside it. `basis` is measured where the delay was found in what was played.
    """

    samples: int
    total_ms: float
    algorithmic_ms: float
    buffers_ms: float
    basis: Basis


@dataclass(frozen=True)
class CellRow:
    """Hours on one cell; `least` and `most` are within the error."""

    cell: str
    title: str
    hours: float
    least: float
    most: float
    source: str


@dataclass(frozen=True)
class EnergyRow:
    """What the board takes from its supply, an estimate that may be wrong by a factor of 1 + `error` either way: the mean
    current at `volts`, µJ of a frame and of its part while the core runs, which is the share `busy` of the time.
    """

    milliamps: float
    volts: float
    frame_uj: float
    running_uj: float
    busy: float
    error: float
    source: str
    hours: tuple[CellRow, ...]


@dataclass(frozen=True)
class Segment:
    """A part of the proof signal that starts at frame `start`."""

    name: str
    start: int


@dataclass(frozen=True)
class FrameSeries:
    """The proof signal, frame by frame, in columns of `per_column` frames so that long runs stay small.

    low, mean and high are instructions of a frame, of the counted frames only (none where the emulator counts no single frame);
    skipped counts the frames of a column whose network step was skipped; difference is the largest |emulated − reference| in
    the column, in LSB, of PCM and, where the emulator shows it, of the mask.
    """

    frames: int
    counted_frames: int
    per_column: int
    worst_frame: int | None
    low: tuple[int, ...]
    mean: tuple[float, ...]
    high: tuple[int, ...]
    skipped: tuple[int, ...]
    difference: tuple[int, ...]
    segments: tuple[Segment, ...]


@dataclass(frozen=True)
class QualityRow:
    """Against the clean signal; null where a value is infinite or there is too little speech for it."""

    si_sdr_noisy: float | None
    si_sdr_enhanced: float | None
    estoi_noisy: float | None
    estoi_enhanced: float | None


@dataclass(frozen=True)
class RecordingRow:
    """One recording: frames in all, those whose network step was skipped, and speech quality if the clean signal was given.

    `cut_off` says what its file lacks at the end, "" when it is whole.
    """

    name: str
    seconds: float
    frames: int
    skipped: int
    quality: QualityRow | None
    cut_off: str = ""


@dataclass(frozen=True)
class Provenance:
    """Everything needed to get the same report again. `commit` is of the folder the command ran in, "" outside of git."""

    created: str
    commit: str
    compiler: str
    flags: tuple[str, ...]
    versions: tuple[tuple[str, str], ...]
    commands: tuple[str, ...]
    board_card: str


@dataclass(frozen=True)
class Report:
    """All of it. It holds when all checks do: that firmware and network are the same. `quality` says what they do to speech: it
    is null where no recording has a clean signal. `aid` is what was measured of the image as a hearing aid, null where nothing
    was.

    cost is null where the emulator does not count instructions, energy where the board's card has no currents; memories are
    empty where the board has no memory map.
    """

    schema_version: Literal[1]
    kind: Literal["report"]
    ok: bool
    model: ModelRow
    target: BoardRow
    seconds_of_audio: float
    checks: tuple[Check, ...]
    budgets: tuple[BudgetRow, ...]
    cost: FrameCost | None
    delay: DelayRow | None
    stack: StackRow | None
    memories: tuple[MemoryRow, ...]
    plan: PlanTable
    layers: tuple[LayerRow, ...]
    trace: FrameSeries
    recordings: tuple[RecordingRow, ...]
    quality: QualitySummary | None
    provenance: Provenance
    metrics: tuple[Metric, ...]
    energy: EnergyRow | None = None
    aid: AidFigures | None = None

# SPDX-License-Identifier: Apache-2.0
"""A measured current beside the estimate of a report, of verify or of demo."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from codesign.base.errors import InputError
from codesign.base.reading import read_limited
from codesign.firmware.boards import load_board
from codesign.firmware.cost.cells import CellHours, hours_on_cells
from codesign.firmware.cost.power_log import MeasuredSupply, read_power_log

_MAX_BYTES = 64 * 2**20
_HINT = "name the JSON of report -o FILE.json, verify --json or demo --json"


@dataclass(frozen=True)
class Estimated:
    """The estimate of a document: current in mA at `volts`, µJ of a frame of `hop_ms`, within a factor of 1 + `error`."""

    milliamps: float
    volts: float
    frame_uj: float
    hop_ms: float
    error: float

    @property
    def milliwatts(self) -> float:
        """Mean power."""
        return self.milliamps * self.volts


@dataclass(frozen=True)
class PowerComparison:
    """What was measured, at `volts`, and what it is on cells; beside it, the estimate. `frame_uj` is of the estimate's frames,
    `ratio` measured power over estimated: None without an estimate.
    """

    measured: MeasuredSupply
    volts: float
    milliwatts: float
    frame_uj: float | None
    hours: tuple[CellHours, ...]
    estimated: Estimated | None
    ratio: float | None

    @property
    def within(self) -> bool | None:
        """Whether the measured power is within the estimate's error."""
        if self.estimated is None or self.ratio is None:
            return None
        return 1.0 / (1.0 + self.estimated.error) <= self.ratio <= 1.0 + self.estimated.error


def compare_power(
    log: Path, against: Path | None, board: str, volts: float | None, start: float, end: float
) -> PowerComparison:
    """Read the log from `start` to `end` seconds and the document.

    Where the log has no voltages, `volts` is the supply's: by itself the document's, else that of the board's card.

    Raises:
        InputError: a file cannot be used, the document has no estimate, or no voltage is known.
    """
    estimated = None if against is None else _estimate(against)
    measured = read_power_log(log, start, end)
    if measured.milliwatts is not None:
        milliwatts = measured.milliwatts
        supply = milliwatts / measured.milliamps if measured.milliamps else 0.0
    else:
        card = load_board(board).energy
        known = volts or (estimated.volts if estimated else card.volts if card else None)
        if known is None:
            raise InputError(f"{log} has no voltages, and board {board} no [energy] in its card", hint="give --volts")
        milliwatts, supply = measured.milliamps * known, known
    if milliwatts <= 0.0:
        raise InputError(f"{log}: the mean power is {milliwatts:g} mW", hint="measure the supply's current, with its sign")
    frame = None if estimated is None else milliwatts * estimated.hop_ms
    ratio = None if estimated is None else milliwatts / estimated.milliwatts
    return PowerComparison(measured, supply, milliwatts, frame, hours_on_cells(milliwatts, 0.0), estimated, ratio)


def _estimate(path: Path) -> Estimated:
    try:
        document = json.loads(read_limited(path, _MAX_BYTES, _HINT))
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path} is not JSON: {error}", hint=_HINT) from error
    try:
        energy, hop_ms = _found(document)
        if energy is None:
            raise InputError(
                f"{path} has no estimate of the supply", hint="its board's card has no [energy]: docs/add-a-board.md"
            )
        current, volts, frame_uj, relative = (float(energy[key]) for key in ("milliamps", "volts", "frame_uj", "error"))
    except (KeyError, TypeError, ValueError, AttributeError) as problem:
        raise InputError(f"{path} is no document of a proof: {type(problem).__name__} {problem}", hint=_HINT) from problem
    if min(current, volts, frame_uj, hop_ms) <= 0.0:
        raise InputError(f"{path}: a figure of the estimate is not above zero", hint=_HINT)
    return Estimated(current, volts, frame_uj, hop_ms, relative)


def _found(document: Mapping[str, Any]) -> tuple[Mapping[str, Any] | None, float]:
    if document["kind"] == "report":
        model = document["model"]
        return document.get("energy"), 1000.0 * model["hop"] / model["sample_rate"]
    verdict = document["verdict"]
    return verdict.get("energy"), float((verdict["latency"] or {"hop_ms": 1.0})["hop_ms"])

# SPDX-License-Identifier: Apache-2.0
"""Cells: how long one lasts at a board's power. Their data are in cells.toml, each with its source."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, PositiveFloat

from codesign.base.toml import parse_toml

SHOWN_CELLS = ("312", "cp1254")
"""Of all cells, those that a line has room for."""


class _Data(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Cell(_Data):
    """A cell of `mah` mAh that gives `volts` V in the mean while it is used up."""

    title: str
    mah: PositiveFloat
    volts: PositiveFloat
    source: Annotated[str, Field(min_length=1)]


class Converter(_Data):
    """What lies between cell and board: the share of the cell's energy that arrives."""

    efficiency: Annotated[float, Field(gt=0, le=1)]
    source: Annotated[str, Field(min_length=1)]


class Cells(_Data):
    """All cells by name, and the converter that each of them is used with."""

    converter: Converter
    cells: Mapping[str, Cell]


@dataclass(frozen=True)
class CellHours:
    """Hours on one cell, with the least and the most within the error of the current."""

    cell: str
    title: str
    hours: float
    least: float
    most: float
    source: str


@cache
def load_cells() -> Cells:
    """The cells that codesign knows."""
    text = (resources.files("codesign.firmware.cost") / "cells.toml").read_text(encoding="utf-8")
    return Cells.model_validate(parse_toml(text, "cells.toml", "reinstall codesign"))


def hours_on_cells(milliwatts: float, error: float) -> tuple[CellHours, ...]:
    """How long each cell lasts at a mean power that may be wrong by a factor of 1 + `error` either way.

    hours = mAh · V · efficiency / mW.
    """
    known = load_cells()
    found = []
    for name, cell in known.cells.items():
        hours = cell.mah * cell.volts * known.converter.efficiency / milliwatts
        found.append(CellHours(name, cell.title, hours, hours / (1 + error), hours * (1 + error), cell.source))
    return tuple(found)

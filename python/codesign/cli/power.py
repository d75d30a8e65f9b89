# SPDX-License-Identifier: Apache-2.0
"""codesign power: measured current beside the estimate."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from codesign.cli.console import cells, emit_json, say, stderr, table
from codesign.cli.options import DEFAULT_BOARD, BoardName, Json


def command(
    log: Annotated[Path, typer.Argument(metavar="FILE.csv", help="CSV of a Nordic PPK2 or a Joulescope.", show_default=False)],
    against: Annotated[
        Path | None, typer.Option(help="JSON of report, verify or demo, whose estimate to set beside.", show_default=False)
    ] = None,
    board: BoardName = DEFAULT_BOARD,
    volts: Annotated[
        float | None, typer.Option(min=0.5, max=20.0, help="Supply voltage, where the file has none.", show_default=False)
    ] = None,
    start: Annotated[float, typer.Option(min=0.0, help="Seconds to leave out at the beginning.")] = 0.0,
    end: Annotated[float | None, typer.Option(min=0.0, help="Second of the file to stop at.", show_default=False)] = None,
    json: Json = False,
) -> None:
    """Mean current of a measurement, hours on cells, and the estimate beside it.

    Example: codesign power ppk.csv --against demo/report.json --start 2
    """
    from codesign.proof.power import compare_power

    found = compare_power(log, against, board, volts, start, float("inf") if end is None else end)
    if json:
        emit_json("power", power=found)
        return
    measured, estimated = found.measured, found.estimated
    rows = table(
        f"{measured.instrument}: {measured.samples:,} samples over {measured.seconds:.4g} s", "", "measured", "estimated"
    )

    def add(name: str, value: float, beside: float | None) -> None:
        rows.add_row(*cells(name, f"{value:.3f}", "" if beside is None else f"{beside:.3f}"))

    add("mean current, mA", measured.milliamps, None if estimated is None else estimated.milliamps)
    add("peak current, mA", measured.peak_milliamps, None)
    add(f"mean power at {found.volts:.3g} V, mW", found.milliwatts, None if estimated is None else estimated.milliwatts)
    if found.frame_uj is not None:
        add("energy of a frame, µJ", found.frame_uj, None if estimated is None else estimated.frame_uj)
    stderr.print(rows)
    say(f"hours on a cell: {', '.join(f'{cell.title} {cell.hours:.0f}' for cell in found.hours)}")
    if estimated is not None:
        where = "within" if found.within else "beyond"
        say(f"measured {found.ratio:.2f} times the estimated power, {where} its error of ±{100 * estimated.error:.0f} %")

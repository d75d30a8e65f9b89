# SPDX-License-Identifier: Apache-2.0
"""What a network will cost on each board, as `codesign inspect` shows it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from codesign.base.errors import CodesignError
from codesign.cli.console import cells, say, stderr, table

if TYPE_CHECKING:
    from codesign.compiler.lower.network import Network
    from codesign.compiler.model import Graph
    from codesign.firmware.cost.sketch import CostSketch


def sketched(graphs: Sequence[Graph], name: str) -> tuple[Network | None, tuple[CostSketch, ...], str]:
    """The integer network of graphs in a row, what it costs on each board, and why there is none, "" where there is."""
    from codesign.compiler.lower.row import lower_row
    from codesign.compiler.quantize.shape_only import quantized_for_shape
    from codesign.firmware.cost.sketch import sketches

    try:
        network = lower_row([quantized_for_shape(graph) for graph in graphs], name)
    except CodesignError as error:
        return None, (), error.message
    return network, sketches(network), ""


def print_sketches(found: Sequence[CostSketch]) -> None:
    """A line for each board."""
    error = max((each.error for each in found), default=0.0)
    rows = table(
        f"On each board: a rough estimate, time ±{100 * error:.0f} %; build and verify have the image's own",
        *("board", "flash KiB", "of", "RAM KiB", "of", "worst frame ms", "of", "fits"),
    )
    for each in found:
        memory = [f"{value / 1024:,.0f}" for value in (each.flash, each.flash_limit, each.ram, each.ram_limit)]
        time = [f"{each.worst_ms:.1f}", f"{each.limit_ms:g}"]
        rows.add_row(*cells(each.board, *(["–"] * 6 if each.reason else [*memory, *time]), each.fits))
    stderr.print(rows)
    for each in found:
        if each.reason:
            say(f"{each.board}: {each.reason}")

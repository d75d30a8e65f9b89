# SPDX-License-Identifier: Apache-2.0
"""Where a frame's time goes: a bar for each stage, in the order in which they run."""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup

from codesign.drawing.svg import WIDTH, chart, element, fitting, text
from codesign.proof.report.content import LayerRow

_LEFT, _RIGHT, _ROW = 230.0, 180.0, 26.0


def stages_chart(layers: Sequence[LayerRow], clock_hz: int) -> Markup:
    """Estimated cycles of each stage's worst frame, with its share and, beside it, milliseconds."""
    most = max((layer.worst_cycles for layer in layers), default=0.0) or 1.0
    drawn: list[Markup] = []
    for index, layer in enumerate(layers):
        y, width = index * _ROW + 4, (WIDTH - _LEFT - _RIGHT) * layer.worst_cycles / most
        ms = 1000 * layer.worst_cycles / clock_hz
        title = f"{layer.name}: {layer.worst_cycles:,.0f} cycles, {ms:.3f} ms, {100 * layer.share:.1f} % of the frame"
        shape = {"x": _LEFT, "y": y, "width": max(1.0, width), "height": _ROW - 8}
        kind = "stage network" if layer.macs else "stage"
        drawn.append(text(_LEFT - 8, y + 13, fitting(layer.name, _LEFT - 16), "end", class_="axis"))
        drawn.append(element("rect", element("title", title), class_=kind, **shape))
        drawn.append(text(_LEFT + width + 8, y + 13, f"{ms:.2f} ms, {100 * layer.share:.0f} %", class_="small"))
    longest = max(layers, key=lambda layer: layer.worst_cycles)
    description = f"{len(layers)} stages; the longest is {longest.name}, {100 * longest.share:.0f} % of a frame's cycles."
    return chart("Where the time goes", description, len(layers) * _ROW + 8, *drawn)

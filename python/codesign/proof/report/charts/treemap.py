# SPDX-License-Identifier: Apache-2.0
"""Memory as areas: parts of a region, and in them their symbols. Squarified (Bruls, Huizing and van Wijk, 2000)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from codesign.drawing.svg import WIDTH, chart, element, fitting, text
from codesign.proof.report.content import MemoryRow, PartRow

_HEADER = 17.0
_COLOURS = 8


@dataclass(frozen=True)
class Rectangle:
    """Its upper left corner and its size."""

    x: float
    y: float
    width: float
    height: float


def squarify(values: Sequence[float], area: Rectangle) -> list[Rectangle]:
    """Rectangles of areas proportional to `values` (positive, largest first), as square as a greedy choice makes them."""
    total = sum(values)
    if not values or total <= 0 or area.width <= 0 or area.height <= 0:
        return [Rectangle(area.x, area.y, 0.0, 0.0) for _ in values]
    scale = area.width * area.height / total
    sizes = [value * scale for value in values]
    placed: list[Rectangle] = []
    rest = area
    while len(placed) < len(sizes):
        side = min(rest.width, rest.height)
        row = [sizes[len(placed)]]
        while len(placed) + len(row) < len(sizes):
            longer = [*row, sizes[len(placed) + len(row)]]
            if _worst(longer, side) > _worst(row, side):
                break
            row = longer
        placed_row, rest = _lay(row, rest)
        placed += placed_row
    return placed


def _worst(row: Sequence[float], side: float) -> float:
    """The largest aspect ratio of a row laid along `side`."""
    total = sum(row)
    if total <= 0 or side <= 0:
        return float("inf")
    return max(side * side * max(row) / total**2, total**2 / (side * side * min(row)) if min(row) > 0 else float("inf"))


def _lay(row: Sequence[float], area: Rectangle) -> tuple[list[Rectangle], Rectangle]:
    """The row along the shorter side, and the area left."""
    wide = area.width >= area.height
    side = area.height if wide else area.width
    depth = sum(row) / side if side > 0 else 0.0
    placed, along = [], 0.0
    for size in row:
        length = size / depth if depth > 0 else 0.0
        if wide:
            placed.append(Rectangle(area.x, area.y + along, depth, length))
        else:
            placed.append(Rectangle(area.x + along, area.y, length, depth))
        along += length
    if wide:
        return placed, Rectangle(area.x + depth, area.y, max(0.0, area.width - depth), area.height)
    return placed, Rectangle(area.x, area.y + depth, area.width, max(0.0, area.height - depth))


def treemap(memory: MemoryRow, height: float = 340.0) -> Markup:
    """One region's used bytes."""
    parts = [part for part in memory.parts if part.bytes > 0]
    areas = squarify([part.bytes for part in parts], Rectangle(0, 0, WIDTH, height))
    drawn = [_part(part, area, index % _COLOURS) for index, (part, area) in enumerate(zip(parts, areas, strict=True))]
    largest = ", ".join(f"{part.label} {part.bytes:,}" for part in parts[:5])
    description = f"{memory.used:,} of {memory.usable:,} bytes used; largest parts: {largest}. The table has all."
    return chart(f"What takes {memory.name}", description, height, *drawn)


def _part(part: PartRow, area: Rectangle, colour: int) -> Markup:
    children = [_box(area, f"part c{colour}", f"{part.label}: {part.bytes:,} bytes")]
    label = fitting(f"{part.label}  {part.bytes:,}", area.width - 8)
    headed = bool(label) and area.height >= _HEADER + 2
    inner = Rectangle(
        area.x + 2, area.y + (_HEADER if headed else 2), area.width - 4, area.height - (_HEADER if headed else 2) - 2
    )
    if len(part.symbols) > 1 and inner.width > 6 and inner.height > 6:
        boxes = squarify([symbol.bytes for symbol in part.symbols], inner)
        for symbol, box in zip(part.symbols, boxes, strict=True):
            if box.width < 1.5 or box.height < 1.5:
                continue
            children.append(_box(box, f"symbol c{colour}", f"{part.label}, {symbol.name}: {symbol.bytes:,} bytes"))
            if box.height >= 16 and (name := fitting(symbol.name, box.width - 8, 11)):
                children.append(text(box.x + 4, box.y + 13, name, class_="small"))
    if headed:
        children.append(text(area.x + 4, area.y + 13, label, class_="label"))
    return element("g", *children)


def _box(area: Rectangle, kind: str, title: str) -> Markup:
    shape = {"x": area.x, "y": area.y, "width": max(0.0, area.width - 1), "height": max(0.0, area.height - 1)}
    return element("rect", element("title", title), class_=kind, **shape)

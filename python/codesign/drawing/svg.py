# SPDX-License-Identifier: Apache-2.0
"""SVG elements whose text and attributes are always escaped, and the numbers on axes."""

from __future__ import annotations

import math

from markupsafe import Markup, escape

WIDTH = 1000.0
"""Width of all charts in user units; the page scales them."""
_LETTER = 0.58
"""Width of a letter at font size 1, about: no font is known here."""


def element(name: str, *children: object, **attributes: object) -> Markup:
    """<name attributes>children</name>; a trailing _ and inner _ of attribute names are as in class_ and stroke_width."""
    words = "".join(f' {key.rstrip("_").replace("_", "-")}="{escape(_short(value))}"' for key, value in attributes.items())
    inside = "".join(str(escape(child)) for child in children)
    return Markup(f"<{name}{words}>{inside}</{name}>")  # noqa: S704 - every part was escaped above


def chart(title: str, description: str, height: float, *children: object, **attributes: object) -> Markup:
    """A whole picture with its text alternative; attributes as of `element`."""
    return element(
        "svg",
        element("title", title),
        element("desc", description),
        *children,
        viewBox=f"0 0 {WIDTH:g} {height:g}",
        role="img",
        aria_label=f"{title}. {description}",
        xmlns="http://www.w3.org/2000/svg",
        **attributes,
    )


def text(x: float, y: float, content: str, anchor: str = "start", **attributes: object) -> Markup:
    """A line of text with its baseline at y."""
    return element("text", content, x=x, y=y, text_anchor=anchor, **attributes)


def fitting(content: str, width: float, size: float = 12.0) -> str:
    """`content`, shortened until it is about `width` wide at font size `size`; "" when nothing useful fits."""
    room = int(width / (_LETTER * size))
    if len(content) <= room:
        return content
    return content[: room - 1] + "…" if room >= 4 else ""


def text_width(content: str, size: float = 12.0) -> float:
    """About how wide `content` is at font size `size`."""
    return len(content) * _LETTER * size


def ticks(top: float, count: int = 4) -> list[float]:
    """Round numbers from 0 to at most `top`, about `count` steps."""
    if not (math.isfinite(top) and top > 0):
        return [0.0]
    rough = top / count
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(power * factor for factor in (1, 2, 2.5, 5, 10) if power * factor >= rough * 0.999)
    return [step * index for index in range(int(top / step * 1.0001) + 1)]


def short_number(value: float) -> str:
    """423,000 as 423 k, for axes."""
    for limit, suffix in ((1e6, " M"), (1e3, " k")):
        if value >= limit:
            return f"{value / limit:.4g}{suffix}"
    return f"{value:.4g}"


def _short(value: object) -> str:
    return f"{value:.2f}".rstrip("0").rstrip(".") if isinstance(value, float) else str(value)

# SPDX-License-Identifier: Apache-2.0
"""Plots of few numbers: bars are as long as their figures, curves go where their points are, names are escaped."""

import re
from xml.etree import ElementTree

import pytest

from codesign.base.errors import InputError
from codesign.cli.plots import write_plot
from codesign.drawing.plots import Bar, BarPlot, Curve, LinePlot, svg_of, text_of
from evidence import HOSTILE

BARS = BarPlot("SNR", "dB", (Bar("a", 10.0), Bar("b", 20.0, 18.0, 22.0), Bar("c", None), Bar("d", -5.0)))
CURVES = LinePlot("Training", "step", (Curve("loss", ((0, 3.0), (50, 2.0), (100, 1.0))), Curve("once", ((10, 1.0),))))
_SPACE = "{http://www.w3.org/2000/svg}"


def parts(plot, name):
    return ElementTree.fromstring(svg_of(plot)).iter(f"{_SPACE}{name}")


def test_bars_are_as_long_as_their_figures():
    widths = [float(bar.get("width")) for bar in parts(BARS, "rect")]
    assert widths[1] == pytest.approx(2 * widths[0], rel=1e-3)
    assert widths[2] == pytest.approx(widths[0] / 2, rel=1e-3)
    lines = text_of(BARS, 60)
    blocks = {line.split()[0]: line.count("█") for line in lines[1:]}
    assert blocks["b"] in (2 * blocks["a"], 2 * blocks["a"] + 1)
    assert blocks["c"] == 0
    assert all(len(line) <= 60 for line in lines)


def test_curves_go_where_their_points_are():
    (path, _) = [part.get("d") for part in parts(CURVES, "path")]
    points = [tuple(map(float, point.split())) for point in path.removeprefix("M").split("L")]
    across = [x for x, _ in points]
    down = [y for _, y in points]
    assert across[1] - across[0] == pytest.approx(across[2] - across[1], abs=0.2)
    assert down[0] < down[1] < down[2]
    assert len(list(parts(CURVES, "circle"))) == 1
    text = text_of(CURVES, 60)
    assert sum(line.count("•") for line in text) == 4
    assert all(len(line) <= 60 for line in text)


@pytest.mark.parametrize(
    "plot", [BarPlot(HOSTILE, HOSTILE, (Bar(HOSTILE, 1.0),)), LinePlot(HOSTILE, HOSTILE, (Curve(HOSTILE, ((0, 1.0),)),))]
)
def test_names_are_escaped(plot):
    assert "<script" not in svg_of(plot)
    assert ElementTree.fromstring(svg_of(plot)).tag == f"{_SPACE}svg"


def test_nothing_to_draw_is_drawn():
    for plot in (BarPlot("t", "", ()), BarPlot("t", "", (Bar("a", 0.0),)), LinePlot("t", "x", ())):
        ElementTree.fromstring(svg_of(plot))
        assert text_of(plot, 40)[0] == "t"


def test_files(tmp_path):
    write_plot(tmp_path / "bars.svg", BARS)
    assert re.search(r">a</text>", (tmp_path / "bars.svg").read_text(encoding="utf-8"))
    with pytest.raises(InputError, match="no plot ends in"):
        write_plot(tmp_path / "bars.pdf", BARS)
    pytest.importorskip("matplotlib", reason="matplotlib is not installed")
    for plot in (BARS, CURVES):
        write_plot(tmp_path / "plot.png", plot)
        assert (tmp_path / "plot.png").read_bytes().startswith(b"\x89PNG")

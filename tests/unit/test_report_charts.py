# SPDX-License-Identifier: Apache-2.0
"""Charts: areas are proportional, names are escaped, nothing leaves the picture."""

import base64
import dataclasses
import re
import struct
import zlib
from xml.etree import ElementTree

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from codesign.compiler.plan import plan_memory
from codesign.compiler.plan.memory import Buffer, BufferKey
from codesign.drawing.png import palette_png
from codesign.drawing.spectrogram import MAX_COLUMNS, MAX_ROWS, levels, palette, picture
from codesign.drawing.svg import WIDTH, element, fitting, short_number, text_width, ticks
from codesign.firmware.size import Footprint, Group, Region
from codesign.proof.report.assemble import by_library, plan_table
from codesign.proof.report.charts.frames import difference_chart
from codesign.proof.report.charts.plan import plan_chart, runs
from codesign.proof.report.charts.treemap import Rectangle, squarify, treemap
from codesign.proof.report.content import BufferRow, FrameSeries, MemoryRow, Metric, PartRow, PlanTable, Segment, SymbolRow
from codesign.proof.report.metrics import unique
from codesign.proof.report.sound import sounds
from evidence import HOSTILE, tones
from networks import random_network


@given(st.lists(st.integers(1, 10**6), min_size=1, max_size=40))
def test_squarify_fills_the_area_in_proportion(values):
    values.sort(reverse=True)
    area = Rectangle(3, 5, 1000, 340)
    boxes = squarify(values, area)
    assert [b.width * b.height for b in boxes] == pytest.approx([v / sum(values) * 340_000 for v in values], rel=1e-6)
    for index, box in enumerate(boxes):
        assert box.x >= 3 - 1e-6
        assert box.x + box.width <= 1003 + 1e-6
        assert box.y >= 5 - 1e-6
        assert box.y + box.height <= 345 + 1e-6
        for other in boxes[index + 1 :]:
            across = min(box.x + box.width, other.x + other.width) - max(box.x, other.x)
            down = min(box.y + box.height, other.y + other.height) - max(box.y, other.y)
            assert across < 1e-6 or down < 1e-6


def test_equal_values_become_squares():
    boxes = squarify([1, 1, 1, 1], Rectangle(0, 0, 200, 200))
    assert {(b.width, b.height) for b in boxes} == {(100.0, 100.0)}


def test_squarify_of_nothing():
    assert squarify([], Rectangle(0, 0, 10, 10)) == []


def test_names_are_escaped_in_all_charts():
    memory = MemoryRow(HOSTILE, "flash", 30, 100, (PartRow(HOSTILE, 30, (SymbolRow(HOSTILE, 20), SymbolRow("b", 10))),))
    plan = PlanTable(16, 16, "dsp", (HOSTILE, "b"), (BufferRow(HOSTILE, 0, 16, (0, 1), True),))
    trace = FrameSeries(2, 0, 1, None, (), (), (), (0, 0), (0, 7), (Segment(HOSTILE, 0),))
    for drawn in (treemap(memory), plan_chart(plan), difference_chart(trace, 16.0)):
        root = ElementTree.fromstring(str(drawn))
        assert {node.tag.split("}")[1] for node in root.iter()} <= {
            "svg", "title", "desc", "g", "rect", "text", "line", "path", "circle",
        }  # fmt: skip
        assert not any(name.startswith("on") for node in root.iter() for name in node.attrib)


def test_elements():
    assert str(element("a", "<&", b_c_='"')) == '<a b-c="&#34;">&lt;&amp;</a>'


def test_text_that_does_not_fit_is_cut_or_left_out():
    assert fitting("short", 1000) == "short"
    assert fitting("a_rather_long_name", 60).endswith("…")
    assert fitting("a_rather_long_name", 10) == ""


@pytest.mark.parametrize(("top", "expected"), [(10, [0, 2.5, 5, 7.5, 10]), (0, [0]), (float("nan"), [0]), (3, [0, 1, 2, 3])])
def test_ticks(top, expected):
    assert ticks(top) == pytest.approx(expected)


def test_numbers_on_axes():
    assert [short_number(v) for v in (0.5, 422_793, 1e6)] == ["0.5", "422.8 k", "1 M"]


def test_runs_of_stages():
    assert list(runs((0, 1, 4, 5, 7))) == [(0, 1), (4, 5), (7, 7)]


def decoded(png):
    """Size, palette and pixels of a palette PNG, with every checksum checked."""
    assert png[:8] == b"\x89PNG\r\n\x1a\n"
    position, chunks = 8, {}
    while position < len(png):
        length, name = struct.unpack(">I4s", png[position : position + 8])
        content = png[position + 8 : position + 8 + length]
        assert struct.unpack(">I", png[position + 8 + length : position + 12 + length])[0] == zlib.crc32(name + content)
        chunks[name] = content
        position += 12 + length
    columns, rows = struct.unpack(">II", chunks[b"IHDR"][:8])
    lines = np.frombuffer(zlib.decompress(chunks[b"IDAT"]), np.uint8).reshape(rows, columns + 1)
    assert not lines[:, 0].any()
    return np.frombuffer(chunks[b"PLTE"], np.uint8).reshape(-1, 3), lines[:, 1:]


def test_png_round_trip():
    pixels = np.arange(12, dtype=np.uint8).reshape(3, 4)
    colours = np.arange(36, dtype=np.uint8).reshape(12, 3)
    found_colours, found = decoded(palette_png(pixels, colours))
    assert np.array_equal(found, pixels)
    assert np.array_equal(found_colours, colours)


@pytest.mark.parametrize("pixels", [np.zeros((0, 4), np.uint8), np.full((2, 2), 12, np.uint8), np.zeros(4, np.uint8)])
def test_png_that_cannot_be(pixels):
    with pytest.raises(ValueError, match=r"palette"):
        palette_png(pixels, np.zeros((12, 3), np.uint8))


def test_a_tone_is_where_it_belongs():
    clean, _ = tones(2)
    level = levels(clean, 512)
    assert int(level.mean(axis=1).argmax()) == pytest.approx(1000 / 8000 * len(level), abs=1)
    _, pixels = decoded(picture(level, level.max()))
    assert pixels.shape == level.shape
    assert int(pixels.astype(float).mean(axis=1).argmax()) == pytest.approx((1 - 1000 / 8000) * len(level), abs=2)


@pytest.mark.slow
def test_silence_is_dark(small_proof):
    recordings, proof = small_proof
    silence = np.zeros(16000, np.int16)
    silent = dataclasses.replace(recordings[1], noisy=silence)
    played = sounds(dataclasses.replace(proof, enhanced=(silence,)), [silent])
    for signal in played[0].signals:
        _, pixels = decoded(base64.b64decode(signal.spectrogram.partition(",")[2]))
        assert not pixels.any()


def test_metrics_of_one_name_are_told_apart():
    one, other = (Metric("quality.a.si_sdr", value, "dB", "more", "measured") for value in (1.0, 2.0))
    assert [metric.name for metric in unique([one, one, other])] == ["quality.a.si_sdr", "quality.a.si_sdr (2)"]


def test_the_palette_gets_lighter():
    lightness = palette() @ np.array([0.2126, 0.7152, 0.0722])
    assert (np.diff(lightness) > 0).all()


@pytest.mark.parametrize("samples", [1, 511, 512, 513, 600 * 16000])
def test_pictures_stay_small(samples):
    level = levels(np.ones(samples, np.int16), 512)
    assert 1 <= level.shape[1] <= MAX_COLUMNS
    assert level.shape[0] <= MAX_ROWS
    assert np.isfinite(level).all()


def test_a_click_in_a_long_recording_is_kept():
    pcm = np.zeros(600 * 16000, np.int16)
    pcm[5_000_000] = 32767
    level = levels(pcm, 512)
    assert int(level.max(axis=0).argmax()) == pytest.approx(5e6 / 9.6e6 * level.shape[1], abs=1)


def test_every_chart_has_a_text_alternative():
    memory = MemoryRow("flash", "flash", 30, 100, (PartRow("a", 30, ()),))
    drawn = str(treemap(memory))
    assert 'role="img"' in drawn
    assert re.search(r"<desc>30 of 100 bytes used", drawn)


def test_memories_by_library():
    """Groups tell flash from RAM, and one memory from another only where there is one of a kind."""
    regions = (Region("flash", "flash", 30, 100), Region("ram", "ram", 12, 50), Region("sram2", "ram", 4, 50))
    groups = (Group("kernel", 10, 9, 3), Group("lstm0", 20, 0, 2), Group("padding and unnamed", 0, 7, 0))
    found = {memory.name: memory for memory in by_library(Footprint(regions, (), ()), groups)}
    assert [(part.label, part.bytes) for part in found["flash"].parts] == [("lstm0", 20), ("kernel", 10)]
    assert [(part.label, part.bytes) for part in found["sram2"].parts] == [("sram2", 4)]
    assert "<title>lstm0: 20 bytes</title>" in str(treemap(found["flash"]))


SEGMENTS = ("silence", "impulses", "square wave", "clipped speech", "faint speech", "full-scale noise", "extreme values")


@pytest.mark.parametrize("step", [1, 10, 125])
def test_names_of_segments_do_not_lie_on_each_other(step):
    segments = tuple(Segment(name, index * step) for index, name in enumerate((*SEGMENTS, "a" * 300, HOSTILE)))
    frames = max(1000, 10 * step)
    root = ElementTree.fromstring(str(difference_chart(FrameSeries(frames, 0, 1, None, (), (), (), (), (0,), segments), 16.0)))
    names = [node for node in root.iter() if "small" in node.get("class", "")]
    assert [node.text for node in names[:7]] == list(SEGMENTS)
    boxes = [(float(n.get("x")), float(n.get("y")), text_width(n.text, 11)) for n in names]
    assert all(x >= 0 and x + width <= WIDTH + 0.1 and y >= 11 for x, y, width in boxes)
    for index, (x, y, width) in enumerate(boxes):
        for other_x, other_y, other_width in boxes[index + 1 :]:
            assert abs(y - other_y) >= 11 or x + width <= other_x or other_x + other_width <= x


def test_buffers_of_one_name_are_told_apart():
    """A state of a model may be called like the front end's own buffer."""
    plan = plan_memory(random_network(), "plain", "float32")
    taken = Buffer(BufferKey("value", "history"), 8, frozenset({0}), persistent=True, offset=0)
    plan = dataclasses.replace(plan, buffers={**plan.buffers, taken.key: taken})
    names = [row.name for row in plan_table(plan).buffers]
    assert len(set(names)) == len(names)
    assert {"history (front end)", "history (value)"} <= set(names)

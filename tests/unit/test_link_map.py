# SPDX-License-Identifier: Apache-2.0
"""Map files, and what takes the memory of an image that is linked from libraries."""

from __future__ import annotations

import pytest

from codesign.base.errors import InputError
from codesign.firmware.size.footprint import Footprint, Region, Section, Symbol
from codesign.firmware.size.link_map import Contribution, read_link_map, without_overlaps
from codesign.firmware.size.parts import zephyr_parts

MAP = """Archive member included to satisfy reference by file (symbol)

Linker script and memory map

text            0x00000000      0x100
 .text.main     0x00000000       0x40 app/libapp.a(main.c.obj)
                0x00000000                main
 *fill*         0x00000040        0x8
 .text.a_name_that_is_too_long_for_its_column
                0x00000048       0x60 zephyr/kernel/libkernel.a(thread.c.obj)
 .text.none     0x000000a8        0x0 zephyr/kernel/libkernel.a(sched.c.obj)
 .text.step     0x000000a8       0x58 libcodesign_model.a(model.c.obj)

datas           0x20000000       0x10 load address 0x00000100
 .data.x        0x20000000       0x10 zephyr/drivers/i2s/libdrivers__i2s.a(i2s.c.obj)

.debug_info     0x00000000      0x999
 .debug_info    0x00000000      0x999 app/libapp.a(main.c.obj)
"""


@pytest.fixture
def placed(tmp_path):
    file = tmp_path / "zephyr.map"
    file.write_text(MAP, encoding="utf-8")
    return read_link_map(file)


def test_every_input_section_with_content_is_read(placed):
    assert placed[:3] == (
        Contribution("text", 0x00, 0x40, "app/libapp.a"),
        Contribution("text", 0x48, 0x60, "zephyr/kernel/libkernel.a"),
        Contribution("text", 0xA8, 0x58, "libcodesign_model.a"),
    )
    assert [c.section for c in placed] == ["text", "text", "text", "datas", ".debug_info"]


def test_overlaps_count_once():
    rows = without_overlaps([Contribution("r", 0, 10, "a"), Contribution("r", 4, 10, "b"), Contribution("r", 5, 3, "c")])
    assert [(c.address, c.size, c.file) for c in rows] == [(0, 10, "a"), (10, 4, "b")]


def test_parts_are_the_whole_image(placed):
    footprint = Footprint(
        regions=(Region("flash", "flash", 0x110, 0x1000), Region("ram", "ram", 0x10, 0x1000)),
        sections=(
            Section("text", 0x100, 0, 0, ("flash",)),
            Section("datas", 0x10, 0x20000000, 0x100, ("flash", "ram")),
        ),
        symbols=(Symbol("main", 0x40, 0, "text", ("flash",)), Symbol("model_step", 0x58, 0xA8, "text", ("flash",))),
    )
    parts = zephyr_parts(footprint, [("step", "model_step")], placed)
    found = {part.label: (part.flash, part.ram) for part in parts}
    assert found == {
        "step": (0x58, 0),
        "application": (0x40, 0),
        "zephyr kernel": (0x60, 0),
        "zephyr drivers/i2s": (0x10, 0x10),
        "padding and unnamed": (8, 0),
    }
    assert sum(flash for flash, _ in found.values()) == footprint.flash
    assert sum(ram for _, ram in found.values()) == footprint.ram


def test_other_files_are_refused(tmp_path):
    file = tmp_path / "x.map"
    with pytest.raises(InputError, match="cannot read"):
        read_link_map(file)
    file.write_text("nothing of the kind", encoding="utf-8")
    with pytest.raises(InputError, match="not a map file"):
        read_link_map(file)

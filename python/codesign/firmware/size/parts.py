# SPDX-License-Identifier: Apache-2.0
"""What takes the memory of a Zephyr image: the model's layers by symbol, everything else by the library it came from."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import PurePosixPath

from codesign.firmware.size.footprint import Footprint, Group
from codesign.firmware.size.link_map import Contribution, read_link_map, without_overlaps
from codesign.firmware.toolchain import Image

_OURS = ("libcodesign.a", "libcodesign_model.a")
_HOLDS_ALL = "libzephyr.a"
_LABELS = (  # of a library's path below the build folder, first match
    (r"(^|/)app/libapp\.a$", "application"),
    (r"(^|/)kernel/libkernel\.a$", "zephyr kernel"),
    (r"/lib/libc/|/libgcc\.a$|/libc(_nano)?\.a$|picolibc", "libc"),
    (r"(^|/)arch/|isr_tables|offsets", "zephyr arch"),
    (r"(^|/)soc/", "zephyr soc"),
    (r"(^|/)boards/", "zephyr board"),
    (r"(^|/)drivers/([a-z0-9_]+)", r"zephyr drivers/\2"),
    (r"(^|/)subsys/([a-z0-9_]+)", r"zephyr subsys/\2"),
    (r"(^|/)modules/([a-z0-9_]+)", r"module \2"),
    (rf"(^|/){_HOLDS_ALL}$", "zephyr lib and subsys"),
)


def parts_of(image: Image, footprint: Footprint) -> tuple[Group, ...]:
    """What takes the memory of an image that codesign built."""
    if image.runtime != "zephyr":
        return footprint.by_group(image.symbols.groups)
    return zephyr_parts(footprint, image.symbols.groups, read_link_map(image.path.with_suffix(".map")))


def zephyr_parts(footprint: Footprint, layers: Sequence[tuple[str, str]], placed: Sequence[Contribution]) -> tuple[Group, ...]:
    """Groups that together are the whole image to the byte.

    `layers` are (label, symbol prefix) pairs for what is in the model's and the runtime's libraries; the rest of `placed` goes
    by library. Alignment and what the linker made itself is "padding and unnamed".
    """
    kinds = {region.name: region.kind for region in footprint.regions}
    taken = {section.name: [kinds[name] for name in section.regions] for section in footprint.sections}
    placed = without_overlaps([c for c in placed if taken.get(c.section)])
    sums: dict[str, list[int]] = {}

    def add(label: str, size: int, regions: Sequence[str]) -> None:
        row = sums.setdefault(label, [0, 0, 0])
        row[0] += size * regions.count("flash")
        row[1] += size * regions.count("ram")
        row[2] += 1

    ours = sorted((c.address, c.address + c.size) for c in placed if PurePosixPath(c.file).name in _OURS)
    by_symbol = _symbols_in(footprint, ours).by_group(layers)
    for group in by_symbol[:-1]:  # without its padding
        sums[group.label] = [group.flash, group.ram, group.symbols]
    loose = sum(end - start for start, end in ours) - sum(group.flash for group in by_symbol[:-1])
    if loose > 0:
        add("codesign tables without a name", loose, ["flash"])
    for contribution in placed:
        if PurePosixPath(contribution.file).name not in _OURS:
            add(_label(contribution.file), contribution.size, taken[contribution.section])
    rows = [Group(label, *row) for label, row in sums.items() if row[0] or row[1]]
    rest = (footprint.flash - sum(r.flash for r in rows), footprint.ram - sum(r.ram for r in rows))
    return (*rows, Group("padding and unnamed", *rest, 0))


def _symbols_in(footprint: Footprint, spans: Sequence[tuple[int, int]]) -> Footprint:
    symbols = tuple(s for s in footprint.symbols if any(start <= s.address < end for start, end in spans))
    return Footprint(footprint.regions, (), symbols)


def _label(file: str) -> str:
    for pattern, label in _LABELS:
        if match := re.search(pattern, file):
            return match.expand(label)
    return "other"

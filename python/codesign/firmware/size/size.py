# SPDX-License-Identifier: Apache-2.0
"""All that is known of an image's memory in one answer."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from codesign.firmware.boards import Board
from codesign.firmware.image import Image
from codesign.firmware.size.budget import BudgetCheck, check_budget
from codesign.firmware.size.footprint import Footprint, Group
from codesign.firmware.size.measure import measure
from codesign.firmware.size.parts import parts_of
from codesign.firmware.size.stack import StackReport, worst_stack
from codesign.firmware.symbols import symbols_beside


@dataclass(frozen=True)
class Size:
    """Flash and RAM of an image by region, section and symbol (`footprint`) and by what they belong to (`groups`), its
    worst-case stack (None without a function to start from), and each limit of the board.
    """

    footprint: Footprint
    groups: tuple[Group, ...]
    stack: StackReport | None
    budget: tuple[BudgetCheck, ...]

    @property
    def ok(self) -> bool:
        """Whether flash and RAM are within the budget."""
        return all(check.ok for check in self.budget)


def size(image: Image | Path, board: Board, entry: str = "") -> Size:
    """Size of an image that codesign built, or of any ELF. `entry` is the function whose stack to bound: the image's own start
    by default. Layers of an ELF are known where the build's manifest.json lies beside it.

    Raises:
        InputError: the board has no memories, or the file is no Arm ELF, is damaged or has no function `entry`.
    """
    if isinstance(image, Image):
        footprint = measure(image.path, board)
        return _size(
            image.path,
            board,
            footprint,
            parts_of(image, footprint),
            entry or image.symbols.entry,
            image.stack_usage,
            image.symbols.pointer_calls,
        )
    symbols = symbols_beside(image)
    footprint = measure(image, board)
    groups = footprint.by_group(symbols.groups if symbols else ())
    start = entry or (symbols.entry if symbols else "")
    return _size(image, board, footprint, groups, start, (), symbols.pointer_calls if symbols else None)


def _size(
    elf: Path,
    board: Board,
    footprint: Footprint,
    groups: tuple[Group, ...],
    entry: str,
    stack_usage: Iterable[Path],
    indirect: Mapping[str, Collection[str]] | None,
) -> Size:
    stack = worst_stack(elf, entry, stack_usage, indirect) if entry else None
    return Size(footprint, groups, stack, tuple(check_budget(footprint, board)))

# SPDX-License-Identifier: Apache-2.0
"""All that is known of an image's memory in one answer."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from codesign.base.errors import InputError
from codesign.firmware.boards import Board
from codesign.firmware.image import Image
from codesign.firmware.size.budget import BudgetCheck, check_budget, check_slot, check_thread
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
        """Whether flash, RAM and the enhancer's stack are within their limits."""
        return all(check.ok for check in self.budget)


def size(image: Image | Path, board: Board | None = None, entry: str = "") -> Size:
    """Size of an image that codesign built, on its board, or of any ELF on `board`. `entry` is the function whose stack to
    bound: the image's own start by default. Layers of an ELF are known where the build's manifest.json lies beside it.

    Raises:
        InputError: the board has no memories, or the file is no Arm ELF, is damaged or has no function `entry`.
    """
    if isinstance(image, Image):
        target = board or image.board
        footprint = measure(image.path, target)
        groups, symbols = parts_of(image, footprint), image.symbols
        stack = _stack(image.path, entry or symbols.entry, image.stack_usage, symbols.pointer_calls)
        zephyr = image.runtime == "zephyr" and not entry
        own = [*check_thread(image.path, stack), *check_slot(image.path)] if zephyr else []
        return Size(footprint, groups, stack, (*check_budget(footprint, target), *own))
    if board is None:
        raise InputError(f"{image}: no board to measure it on", hint="name the board that the image was built for")
    beside = symbols_beside(image)
    footprint = measure(image, board)
    groups = footprint.by_group(beside.groups if beside else ())
    stack = _stack(image, entry or (beside.entry if beside else ""), (), beside.pointer_calls if beside else None)
    return Size(footprint, groups, stack, (*check_budget(footprint, board), *check_slot(image)))


def _stack(
    elf: Path, entry: str, stack_usage: Iterable[Path], indirect: Mapping[str, Collection[str]] | None
) -> StackReport | None:
    return worst_stack(elf, entry, stack_usage, indirect) if entry else None

# SPDX-License-Identifier: Apache-2.0
"""The members that train one network together, each on its rows of every batch: what they must have in common at each step.

A batch is that of a training alone; gradients are averaged over its rows, so that every member moves the same parameters in the
same way, whatever their number. Where each mixture, state and draw of dropout belongs to a row, what is computed differs from a
training alone by the order of sums only.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from codesign.base.errors import InputError
from codesign.learning.train.shared_norm import share_norms

Rows = dict[str, Tensor]


class Team:
    """A training alone: one member that has all rows. Others derive from it."""

    rank = 0
    size = 1

    def rows(self, batch: int) -> slice:
        """The rows of a batch that are this member's.

        Raises:
            InputError: there are more members than rows.
        """
        if batch < self.size:
            raise InputError(f"a batch of {batch} for {self.size} workers", hint="take fewer workers, or a larger batch")
        return slice(batch * self.rank // self.size, batch * (self.rank + 1) // self.size)

    def joined(self, module: nn.Module) -> None:
        """What a module must know of the others before it is trained."""

    def part(self, batch: int) -> tuple[int, int] | None:
        """The first of this member's rows and the rows in all; None for a member that has all."""
        return None

    def backward(self, loss: Tensor, parameters: Iterable[nn.Parameter], share: float) -> float:
        """Gradients of the whole batch's loss, which is returned; `loss` is that of this member's `share` of the rows."""
        loss.backward()  # type: ignore[no-untyped-call]
        return float(loss.detach())

    def any(self, *flags: bool) -> tuple[bool, ...]:
        """Whether any member says so."""
        return flags

    def told(self, value: float) -> float:
        """What member 0 says."""
        return value

    def gathered(self, rows: Rows) -> Rows:
        """All members' rows, in order."""
        return rows

    def wrote(self, folder: Path) -> None:
        """Member 0 has written `last.pt` to its folder: all are here."""


class DistributedTeam(Team):
    """The processes of torch.distributed's group. `wrote` is called in each when member 0 has written."""

    def __init__(self, wrote: Callable[[Path], None] = lambda folder: None) -> None:
        from torch import distributed

        self._group = distributed
        self.rank, self.size = distributed.get_rank(), distributed.get_world_size()
        self._device = torch.device("cuda" if distributed.get_backend() == "nccl" else "cpu")
        self._wrote = wrote

    def joined(self, module: nn.Module) -> None:
        share_norms(module)

    def part(self, batch: int) -> tuple[int, int] | None:
        return self.rows(batch).start, batch

    def backward(self, loss: Tensor, parameters: Iterable[nn.Parameter], share: float) -> float:
        mine = loss * share
        mine.backward()  # type: ignore[no-untyped-call]
        gradients = [parameter.grad for parameter in parameters if parameter.grad is not None]
        flat = torch.cat([mine.detach().reshape(1), *(gradient.reshape(-1) for gradient in gradients)]).to(self._device)
        self._group.all_reduce(flat)
        at = 1
        for gradient in gradients:
            gradient.copy_(flat[at : at + gradient.numel()].view_as(gradient))
            at += gradient.numel()
        return float(flat[0])

    def any(self, *flags: bool) -> tuple[bool, ...]:
        said = torch.tensor([float(flag) for flag in flags], device=self._device)
        self._group.all_reduce(said)
        return tuple(bool(value > 0) for value in said)

    def told(self, value: float) -> float:
        said = torch.tensor([value], dtype=torch.float64, device=self._device)
        self._group.broadcast(said, 0)
        return float(said)

    def gathered(self, rows: Rows) -> Rows:
        parts: list[Any] = [None] * self.size
        self._group.all_gather_object(parts, {name: value.cpu() for name, value in rows.items()})
        return {name: torch.cat([part[name] for part in parts]) for name in rows}

    def wrote(self, folder: Path) -> None:
        self._wrote(folder)

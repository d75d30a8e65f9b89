# SPDX-License-Identifier: Apache-2.0
"""A section of the report: a title, words, a table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Section:
    """`rows` are cells below `head`, the first `left` columns flush left; without rows the section is left out."""

    title: str
    text: str
    head: Sequence[str]
    rows: Sequence[Sequence[str]]
    left: int = 1

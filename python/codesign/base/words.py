# SPDX-License-Identifier: Apache-2.0
"""Numbers with what they count, in words."""

from __future__ import annotations


def counted(number: int, noun: str) -> str:
    """How many of what: 1 item, 2 items, 1,200 items; the last word of `noun` becomes plural."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"

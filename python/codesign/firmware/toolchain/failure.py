# SPDX-License-Identifier: Apache-2.0
"""The error for a tool that failed, in words where the image is too large."""

from __future__ import annotations

import re

from codesign.base.errors import BuildError

_OVERFLOW = re.compile(r"region [`'\"](\w+)['\"]:? overflowed by (\d+) bytes")  # GNU ld and lld


def failure(what: str, telling: str, output: str, hint: str) -> BuildError:
    """The error for the tool's `output`, whose most telling line is `telling`; `hint` says where all of it is."""
    over: dict[str, int] = {}
    for region, count in _OVERFLOW.findall(output):
        over[region] = max(over.get(region, 0), int(count))
    if over:
        sizes = " and ".join(f"{count:,} bytes larger than {region}" for region, count in over.items())
        return BuildError(f"{what}: the image is {sizes}", hint=f"a smaller network or another board; {hint}")
    return BuildError(f"{what}: {telling}", hint=hint)

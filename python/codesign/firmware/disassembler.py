# SPDX-License-Identifier: Apache-2.0
"""Capstone as everything here uses it: Thumb of the M profile, one instruction at a time."""

from __future__ import annotations

from functools import cache
from typing import Any

from codesign.base.errors import ToolError


def disassemble(code: bytes, address: int) -> Any:
    """Capstone's reading of the instruction in `code`, 2 or 4 bytes that run at `address`; None for what it does not know.

    Raises:
        ToolError: Capstone is not installed.
    """
    return next(_decoder().disasm(code, address, 1), None)


@cache
def _decoder() -> Any:
    try:
        import capstone
    except ImportError as error:
        raise ToolError("the disassembler Capstone is not installed", hint="pip install capstone") from error
    decoder = capstone.Cs(capstone.CS_ARCH_ARM, capstone.CS_MODE_THUMB | capstone.CS_MODE_MCLASS | capstone.CS_MODE_V8)
    decoder.detail = True
    return decoder

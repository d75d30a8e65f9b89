# SPDX-License-Identifier: Apache-2.0
"""Where the files that are not Python live: inside the installed package, or in the repository around it."""

from __future__ import annotations

from pathlib import Path

from codesign.base.errors import ToolError

_PACKAGE = Path(__file__).resolve().parents[1]


def resource(*parts: str) -> Path:
    """Path of a file or folder of runtime/, boards/ or models/; `parts` are joined as in Path.

    Raises:
        ToolError: the installation lacks it.
    """
    for root in (_PACKAGE / "data", _PACKAGE.parents[1]):
        path = root.joinpath(*parts)
        if path.exists():
            return path
    raise ToolError(f"installation: {'/'.join(parts)} is missing", hint="reinstall codesign")

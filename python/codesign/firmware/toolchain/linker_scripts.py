# SPDX-License-Identifier: Apache-2.0
"""The GNU ld scripts of images that codesign links itself."""

from __future__ import annotations

from typing import Any

import jinja2

from codesign.firmware.boards import Board


def linker_script(board: Board) -> str:
    """The script of a board's bare images: its memories less what the system reserves."""
    return _rendered("linker.ld.j2", board=board)


def model_image_script(origin: int, length: int) -> str:
    """The script of a network in a partition of its own: `length` bytes at the address `origin`, after the header."""
    return _rendered("model_image.ld.j2", origin=origin, length=length)


def _rendered(template: str, **values: Any) -> str:
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("codesign.firmware.toolchain"),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        autoescape=False,  # noqa: S701 - a linker script, not HTML
    )
    return environment.get_template(template).render(**values)

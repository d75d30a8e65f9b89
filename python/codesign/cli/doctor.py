# SPDX-License-Identifier: Apache-2.0
"""codesign doctor: what was found on this machine."""

from __future__ import annotations

from codesign.cli.console import cells, emit_json, stderr, table
from codesign.cli.options import Json


def command(json: Json = False) -> None:
    """Say which tools are present, what each enables and how to get the rest.

    Example: codesign doctor
    """
    from codesign.firmware.doctor import diagnose

    checks = diagnose()
    if json:
        emit_json("doctor", checks=checks)
        return
    rows = table("Tools", "tool", "found", "enables; how to get it")
    rows.columns[1].justify = rows.columns[2].justify = "left"
    for check in checks:
        found = check.version if check.found else "no"
        rows.add_row(*cells(check.name, found, check.enables if check.found else f"{check.enables}; {check.how_to_get}"))
    stderr.print(rows)

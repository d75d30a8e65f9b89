# SPDX-License-Identifier: Apache-2.0
"""codesign sbom: what is in a firmware."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from codesign.cli.console import say


def command(
    build: Annotated[Path, typer.Argument(metavar="BUILD", help="Folder of codesign build.", show_default=False)],
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="CycloneDX file (by itself to stdout).", show_default=False)
    ] = None,
) -> None:
    """Software bill of materials of a built firmware, as CycloneDX: its network, codesign's parts, Zephyr and its modules.

    Example: codesign sbom build-bare-nrf5340dk -o firmware.cdx.json
    """
    from codesign.base.files.output_file import check_files, replace_file
    from codesign.firmware.sbom import read_build
    from codesign.firmware.sbom.cyclonedx import render_cyclonedx

    if output is not None:
        check_files([output])  # before the work
    bill = read_build(build)
    text = render_cyclonedx(bill)
    if output is None:
        print(text, end="")
    else:
        with replace_file(output) as part:
            part.write_text(text, encoding="utf-8")
    for note in bill.notes:
        say(note)
    if output is not None:
        say(f"wrote {output}: {bill.firmware.name}, {len(bill.components)} components")

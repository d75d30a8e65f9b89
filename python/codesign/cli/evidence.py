# SPDX-License-Identifier: Apache-2.0
"""codesign evidence: one folder for a safety file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from codesign.base.words import counted
from codesign.cli.console import cells, emit_json, say, stderr, table
from codesign.cli.options import Json


def command(
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder for the evidence.", show_default=False)],
    results: Annotated[
        list[Path] | None, typer.Option("--results", "-r", help="JUnit XML of tests (repeatable).", show_default=False)
    ] = None,
    requirements: Annotated[
        Path | None, typer.Option(help="TOML file of requirements (codesign's own).", show_default=False)
    ] = None,
    anomalies: Annotated[
        Path | None, typer.Option(help="TOML file of known anomalies (codesign's own).", show_default=False)
    ] = None,
    build: Annotated[
        Path | None, typer.Option(help="Folder of codesign build: what is in the firmware.", show_default=False)
    ] = None,
    keep: Annotated[
        list[Path] | None, typer.Option(help="Document to keep, such as report.json (repeatable).", show_default=False)
    ] = None,
    minisign_key: Annotated[Path | None, typer.Option(help="Your minisign key to sign with.", show_default=False)] = None,
    sigstore: Annotated[bool, typer.Option(help="Sign with sigstore as well.")] = False,
    json: Json = False,
) -> None:
    """Requirements, tests and their results, tools, software of others, known anomalies, hashes: one folder for a safety file.

    Exit code 1 unless every requirement is shown. It claims no compliance with any standard.

    Example: codesign evidence -o evidence --results junit.xml --build build-bare-nrf5340dk
    """
    from codesign.base.files.output_folder import check_folder
    from codesign.proof.evidence import Inputs, gather, write_evidence
    from codesign.proof.evidence.sign import check_signer

    check_folder(output)  # before the work
    check_signer(minisign_key, sigstore)
    inputs = Inputs(tuple(results or ()), requirements, anomalies, build, tuple(keep or ()))
    found = gather(inputs)
    for note in write_evidence(output, found, inputs, minisign_key, sigstore):
        say(note)
    if json:
        emit_json("evidence", ok=found.ok, output=output, evidence=found)
    else:
        rows = table("Requirements", "id", "status", "requirement")
        rows.columns[1].justify = rows.columns[2].justify = "left"
        for one in found.requirements:
            rows.add_row(*cells(one.id, "not shown" if one.status == "incomplete" else one.status, one.title))
        stderr.print(rows)
        shown = sum(one.status == "shown" for one in found.requirements)
        wanted = counted(len(found.requirements), "requirement")
        say(f"wrote {output}: {shown} of {wanted} shown by {counted(found.tests, 'test case')}")
    if not found.ok:
        raise typer.Exit(1)

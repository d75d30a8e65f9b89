# SPDX-License-Identifier: Apache-2.0
"""The folder of the evidence: pages, results, documents, hashes, a signature where one is wanted."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import shutil
from collections.abc import Sequence
from pathlib import Path

from codesign.base.errors import ToolError
from codesign.base.files.output_folder import replace_folder
from codesign.firmware.sbom import read_build
from codesign.firmware.sbom.cyclonedx import render_cyclonedx
from codesign.proof.evidence.gather import Evidence, Inputs
from codesign.proof.evidence.pages import anomalies_page, readme_page, soup_page, tools_page, trace_page
from codesign.proof.evidence.sign import SUMS, sign


def write_evidence(
    folder: Path, evidence: Evidence, inputs: Inputs, key: Path | None = None, sigstore: bool = False
) -> tuple[str, ...]:
    """Write everything to `folder`, a new one or one that an evidence was written to; what was left out, in words.

    Raises:
        InputError: the folder cannot be used, or the signature failed.
    """
    notes = []
    with replace_folder(folder) as new:
        planned = [f"{SUMS}.minisig"] * (key is not None) + [f"{SUMS}.sigstore.json"] * sigstore
        pages = {
            "README.md": readme_page(evidence, f"signed: {', '.join(planned)}" if planned else ""),
            "trace.md": trace_page(evidence),
            "soup.md": soup_page(evidence),
            "anomalies.md": anomalies_page(evidence),
            "tools.md": tools_page(evidence),
            "trace.json": _json(evidence),
        }
        for name, text in pages.items():
            (new / name).write_text(text, encoding="utf-8")
        _copy(inputs.results, new / "results")
        _copy(inputs.documents, new / "kept")
        if inputs.build is not None:
            manifests = [inputs.build / name for name in ("manifest.json", "codesign_model/manifest.json")]
            _copy([path for path in manifests if path.is_file()], new / "kept" / "build")
            try:
                bill = render_cyclonedx(read_build(inputs.build))
            except ToolError as error:
                notes.append(f"no firmware.cdx.json: {error}")
            else:
                (new / "kept" / "firmware.cdx.json").write_text(bill, encoding="utf-8")
        (new / SUMS).write_text(_sums(new), encoding="utf-8")
        sign(new, key, sigstore, f"{evidence.tool}, {evidence.created}")
    return tuple(notes)


def _copy(files: Sequence[Path], folder: Path) -> None:
    """Files by their own names; of equal names the second gets a number before it."""
    folder.mkdir(parents=True, exist_ok=True)
    for path in files:
        name, number = path.name, 2
        while (folder / name).exists():
            name, number = f"{number}-{path.name}", number + 1
        shutil.copyfile(path, folder / name)


def _sums(folder: Path) -> str:
    """As sha256sum -c reads it: every file of the folder, in order."""
    lines = []
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        lines.append(f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.relative_to(folder).as_posix()}\n")
    return "".join(lines)


def _json(evidence: Evidence) -> str:
    rows = [
        {
            **dataclasses.asdict(one),
            "status": one.status,
            "tests": [{**dataclasses.asdict(test), "status": test.status} for test in one.tests],
        }
        for one in evidence.requirements
    ]
    document = {"schema_version": 1, "kind": "trace", "tool": evidence.tool, "created": evidence.created, "requirements": rows}
    return json.dumps(document, indent=1, ensure_ascii=False) + "\n"

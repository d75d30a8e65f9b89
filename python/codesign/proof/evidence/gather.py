# SPDX-License-Identifier: Apache-2.0
"""All of the evidence in one value."""

from __future__ import annotations

import datetime
import os
from dataclasses import dataclass
from pathlib import Path

from codesign import __version__
from codesign.base.errors import InputError
from codesign.base.resources import resource
from codesign.firmware.doctor import ToolCheck, diagnose
from codesign.proof.evidence.junit import read_junit
from codesign.proof.evidence.requirements import Anomaly, read_anomalies, read_requirements
from codesign.proof.evidence.soup import Soup, soup_of
from codesign.proof.evidence.trace import Traced, trace


@dataclass(frozen=True)
class Inputs:
    """What the user gives: JUnit XML files, TOML files of requirements and anomalies (those of codesign itself where none), a
    build's folder, and documents to keep with it, such as a report.
    """

    results: tuple[Path, ...] = ()
    requirements: Path | None = None
    anomalies: Path | None = None
    build: Path | None = None
    documents: tuple[Path, ...] = ()


@dataclass(frozen=True)
class Evidence:
    """Requirements with their tests and results, tools, software of others, known anomalies. `created` is the time, UTC."""

    tool: str
    created: str
    requirements: tuple[Traced, ...]
    tests: int
    tools: tuple[ToolCheck, ...]
    soup: tuple[Soup, ...]
    anomalies: tuple[Anomaly, ...]

    @property
    def ok(self) -> bool:
        """Whether every requirement is shown."""
        return all(one.status == "shown" for one in self.requirements)


def gather(inputs: Inputs) -> Evidence:
    """Read everything.

    Raises:
        InputError: a file cannot be used.
    """
    for path in inputs.documents:
        if not path.is_file():
            raise InputError(f"{path} is no file", hint="--keep takes files, such as report.json")
    requirements = read_requirements(inputs.requirements or resource("docs", "requirements.toml"))
    anomalies = read_anomalies(inputs.anomalies or resource("docs", "anomalies.toml"))
    results = [result for path in inputs.results for result in read_junit(path)]
    epoch = os.environ.get("SOURCE_DATE_EPOCH", "")
    now = datetime.datetime.now(datetime.UTC)
    when = datetime.datetime.fromtimestamp(int(epoch), datetime.UTC) if epoch.isdigit() else now
    return Evidence(
        tool=f"codesign {__version__}",
        created=when.strftime("%Y-%m-%dT%H:%M:%SZ"),
        requirements=trace(requirements, results),
        tests=len(results),
        tools=tuple(diagnose()),
        soup=soup_of(inputs.build),
        anomalies=anomalies,
    )

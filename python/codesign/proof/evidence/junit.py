# SPDX-License-Identifier: Apache-2.0
"""Results of tests, read from JUnit XML: of pytest --junitxml, of twister, of ctest."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from codesign.base.errors import InputError, one_line
from codesign.base.reading import read_limited

Outcome = Literal["passed", "failed", "skipped"]
_MAX_BYTES = 256 * 2**20
_HINT = "give what pytest --junitxml FILE or twister wrote"


@dataclass(frozen=True)
class TestResult:
    """One case of a test: `module` with dots, `name` with its parameters. `reason` says in a line why it did not pass."""

    __test__ = False  # for pytest, which takes the class for a test

    module: str
    name: str
    outcome: Outcome
    reason: str = ""


def read_junit(path: Path) -> tuple[TestResult, ...]:
    """All cases of a file.

    Raises:
        InputError: not readable, not XML, with a document type of its own, or without a test case.
    """
    data = read_limited(path, _MAX_BYTES, _HINT)
    if re.search(rb"<!(DOCTYPE|ENTITY)", data):
        raise InputError(f"{path} declares a document type, as no JUnit XML does", hint=_HINT)
    try:
        root = ET.fromstring(data)  # noqa: S314 - without declarations there are no entities to expand
    except (ET.ParseError, ValueError) as error:
        raise InputError(f"{path} is not XML: {error}", hint=_HINT) from error
    found = tuple(_cases(root))
    if not found:
        raise InputError(f"{path} has no testcase", hint=_HINT)
    return found


def _cases(root: ET.Element) -> Iterator[TestResult]:
    for case in root.iter("testcase"):
        outcome: Outcome = "passed"
        reason = ""
        for child in case:
            if child.tag in ("failure", "error"):
                outcome, reason = "failed", child.get("message") or child.text or ""
                break
            if child.tag == "skipped":
                outcome, reason = "skipped", child.get("message") or child.text or ""
        yield TestResult(case.get("classname") or "", case.get("name") or "", outcome, one_line(reason, 200))

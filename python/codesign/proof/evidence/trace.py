# SPDX-License-Identifier: Apache-2.0
"""Requirements and results side by side: what is shown, by which tests."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from codesign.proof.evidence.junit import TestResult
from codesign.proof.evidence.requirements import Requirement

Shown = Literal["shown", "failed", "incomplete"]


@dataclass(frozen=True)
class TracedTest:
    """A test that a requirement names, with the cases of it that were run."""

    test: str
    passed: int
    failed: int
    skipped: int
    reasons: tuple[str, ...]

    @property
    def status(self) -> Shown:
        """Shown by cases that passed; incomplete where it was not run, or a case was skipped."""
        if self.failed:
            return "failed"
        return "shown" if self.passed and not self.skipped else "incomplete"


@dataclass(frozen=True)
class Traced:
    """A requirement with its tests."""

    id: str
    title: str
    text: str
    tests: tuple[TracedTest, ...]

    @property
    def status(self) -> Shown:
        """Failed when a test did; shown when all are."""
        found = {test.status for test in self.tests}
        return "failed" if "failed" in found else "incomplete" if "incomplete" in found else "shown"


def trace(requirements: Sequence[Requirement], results: Sequence[TestResult]) -> tuple[Traced, ...]:
    """Each requirement with what became of its tests."""
    by_module: dict[str, list[TestResult]] = {}
    for result in results:
        by_module.setdefault(result.module, []).append(result)
    return tuple(
        Traced(one.id, one.title, one.text, tuple(_traced(test, by_module) for test in one.tests)) for one in requirements
    )


def _traced(test: str, by_module: dict[str, list[TestResult]]) -> TracedTest:
    file, _, name = test.partition("::")
    module = file.removesuffix(".py").strip("/").replace("/", ".")
    cases = [
        case
        for found, results in by_module.items()
        if found == module or found.startswith(f"{module}.")
        for case in results
        if not name or case.name.partition("[")[0] == name.rpartition("::")[2]
    ]
    passed, failed, skipped = (sum(case.outcome == outcome for case in cases) for outcome in ("passed", "failed", "skipped"))
    reasons = dict.fromkeys(f"{case.name}: {case.reason}" for case in cases if case.outcome != "passed")
    return TracedTest(test, passed, failed, skipped, tuple(reasons))

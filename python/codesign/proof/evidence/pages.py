# SPDX-License-Identifier: Apache-2.0
"""Evidence as Markdown that people review: the trace, software of others, known anomalies, and what the folder is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from codesign.base.words import counted
from codesign.proof.evidence.gather import Evidence
from codesign.proof.evidence.trace import Shown, Traced, TracedTest
from codesign.proof.report.summary import escape, table

DISCLAIMER = (
    "Made by a program from files that it was given. It is evidence to review, written with IEC 62304 in mind; it claims no "
    "compliance with that or any other standard, and no fitness for a medical purpose."
)
_MARKS: Mapping[Shown, str] = {"shown": "✅ shown", "failed": "❌ failed", "incomplete": "⚠️ not shown"}


def trace_page(evidence: Evidence) -> str:
    """Each requirement with its tests and what became of them."""
    counts = Counter(one.status for one in evidence.requirements)
    said = ", ".join(f"{counts[status]} {mark.partition(' ')[2]}" for status, mark in _MARKS.items())
    rows = [(one.id, one.title, _MARKS[one.status]) for one in evidence.requirements]
    lines = ["# Requirements, tests, results", "", f"{said}; {counted(evidence.tests, 'test case')} in the results.", ""]
    lines += [*table(("id", "requirement", "status"), rows), ""]
    for one in evidence.requirements:
        lines += _requirement(one)
    return "\n".join(lines)


def soup_page(evidence: Evidence) -> str:
    """What others wrote."""
    rows = [(one.name, one.version, one.used, one.licence, one.origin) for one in evidence.soup]
    return _page("Software of unknown provenance", table(("name", "version", "used", "licence", "origin"), rows))


def tools_page(evidence: Evidence) -> str:
    """Tools of the machine that the evidence was made on."""
    rows = [(one.name, one.version if one.found else "not here", one.enables) for one in evidence.tools]
    return _page("Tools", table(("tool", "version", "what for"), [(evidence.tool, "", "made this folder"), *rows]))


def anomalies_page(evidence: Evidence) -> str:
    """What is known to be otherwise than one would expect."""
    rows = [(one.id, one.title, one.effect, one.remedy) for one in evidence.anomalies]
    return _page("Known anomalies", table(("id", "anomaly", "effect", "what to do"), rows))


def readme_page(evidence: Evidence, signed: str) -> str:
    """What lies in the folder, how it is checked, and which clause of IEC 62304 asks for such a thing."""
    rows = [
        ("trace.md, trace.json", "requirements, the tests that show them, their results", "5.1.1 c, 5.7.4"),
        ("soup.md", "software that others wrote, with versions", "8.1.2"),
        ("anomalies.md", "what is known to be otherwise than one would expect", "5.8.2, 5.8.3"),
        ("tools.md", "tools that built and proved", "5.1.4, 5.8.5"),
        ("results/", "the test results as they were given", "5.7.5"),
        ("kept/", "documents that were given: reports, the build's manifest and bill of materials", "5.8.4"),
        ("SHA256SUMS", f"the hash of every file; {signed or 'not signed'}", "8.3, 5.8.7"),
    ]
    how = ["", "    sha256sum -c SHA256SUMS", ""]
    head = [f"{evidence.tool}, {evidence.created}.", "", DISCLAIMER, ""]
    return _page("Evidence", [*head, *table(("file", "what it is", "asked for by, among others"), rows), *how])


def _page(title: str, lines: Sequence[str]) -> str:
    return "\n".join([f"# {title}", "", *lines, ""])


def _requirement(one: Traced) -> list[str]:
    rows = [(test.test, _MARKS[test.status], str(test.passed), str(test.failed), str(test.skipped)) for test in one.tests]
    reasons = [f"- {escape(reason)}" for test in one.tests for reason in _first(test)]
    cases = table(("test", "status", "passed", "failed", "skipped"), rows)
    head = [f"## {escape(one.id)}: {escape(one.title)}", "", escape(one.text), ""]
    return [*head, *cases, "", *reasons, *([""] if reasons else [])]


def _first(test: TracedTest) -> tuple[str, ...]:
    shown = test.reasons[:5]
    left = len(test.reasons) - len(shown)
    return (*shown, f"and {left} more of {test.test}") if left else shown

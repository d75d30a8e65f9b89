# SPDX-License-Identifier: Apache-2.0
"""The table of docs/zephyr.md: what was proven with which release of Zephyr.

Each argument is RELEASE=FILE, where FILE is what `codesign verify --json` printed in a workspace of that release:

    codesign verify models/pruned/pruned.onnx --board nrf5340dk --emulator renode --json > proof.json
    python ci/generations.py 4.1.99=proof.json 3.7.1=

RELEASE= without a file is a release that CI has, and that nobody ran a proof of.
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any

PAGE = Path(__file__).resolve().parents[1] / "docs" / "zephyr.md"
BEGIN, END = "<!-- generations: made by ci/generations.py -->", "<!-- end of generations -->"
HEAD = "| Zephyr | Board | Network | Machine | Audio | Verdict | Flash | RAM | Instructions a hop beside the network |"


def row(release: str, verdict: dict[str, Any]) -> str:
    """One line of the table."""
    details = {check["name"]: check["detail"] for check in verdict["checks"]}
    failed = [check["name"] for check in verdict["checks"] if not check["ok"]]
    cells = (
        release,
        verdict["board"],
        verdict["model"],
        verdict["emulator"],
        f"{verdict['seconds_of_audio']:g} s",
        f"NOT PROVEN: {', '.join(failed)}" if failed else "PROVEN",
        *(_first_number(details.get(name, "")) for name in ("flash budget", "RAM budget", "RTOS overhead")),
    )
    return f"| {' | '.join(cells)} |"


def not_run(release: str) -> str:
    """The line of a release without a proof."""
    cells = ["–"] * (HEAD.count("|") - 1)
    cells[0], cells[HEAD.split(" | ").index("Verdict")] = release, "not run"
    return f"| {' | '.join(cells)} |"


def table(arguments: list[str]) -> str:
    """The table of all RELEASE=FILE, newest release first."""
    rows = []
    for argument in arguments:
        release, _, file = argument.partition("=")
        line = row(release, json.loads(Path(file).read_text(encoding="utf-8"))["verdict"]) if file else not_run(release)
        rows.append((tuple(map(int, release.split("."))), line))
    ordered = [text for _, text in sorted(rows, key=lambda each: each[0], reverse=True)]
    return "\n".join([HEAD, "|---" * (HEAD.count("|") - 1) + "|", *ordered])


def replaced(page: str, made: str) -> str:
    """`page` with the table between its marks."""
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise SystemExit(f"{PAGE.name} has no place for the table: {BEGIN} … {END}")
    return f"{before}{BEGIN}\n\n{made}\n\n{END}{after}"


def _first_number(detail: str) -> str:
    found = re.match(r"[\d,]+", detail)
    return found[0] if found else "–"


if __name__ == "__main__":
    if len(sys.argv) < 2:
        raise SystemExit(__doc__)
    PAGE.write_text(replaced(PAGE.read_text(encoding="utf-8"), table(sys.argv[1:])), encoding="utf-8")

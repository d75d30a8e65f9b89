# SPDX-License-Identifier: Apache-2.0
"""README's figures, from the report of the demo: `python ci/readme.py demo/report.json` writes them, `--check` compares.

What depends on the compiler is compared where the demo was built by the compiler that README's figures are of.
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any

README = Path(__file__).parents[1] / "README.md"
_BLOCK = re.compile(r"(<!-- demo: made by ci/readme\.py, (?P<compiler>.*?) -->\n+```\n)(?P<text>.*?)(```\n)", re.DOTALL)
_OF_THE_COMPILER = ("flash", "RAM", "stack", "worst frame")
_HEAD = ("recording", "SI-SDR dB", "enhanced", "better by", "ESTOI", "enhanced")


def lines_of(report: dict[str, Any]) -> list[str]:
    """What `codesign demo` ends with: what it did to speech, every check, and the answer."""
    rows = [_HEAD, *(_quality(recording) for recording in report["recordings"] if recording["quality"])]
    widths = [max(len(row[column]) for row in rows) for column in range(len(_HEAD))]
    found = [
        "  ".join([row[0].ljust(widths[0]), *(c.rjust(w) for c, w in zip(row[1:], widths[1:], strict=True))]) for row in rows
    ]
    width = max(len(check["name"]) for check in report["checks"])
    checks = [
        f"{check['name'].ljust(width)}  {'ok' if check['ok'] else 'FAILED'}  {_short(check)}" for check in report["checks"]
    ]
    answer = "PROVEN" if report["ok"] else "NOT PROVEN"
    said = "the firmware's output equals the reference bit for bit over"
    return [*found, "", *checks, f"{answer}: {said} {report['seconds_of_audio']:.0f} s of audio, within budget"]


def _quality(recording: dict[str, Any]) -> tuple[str, ...]:
    q = recording["quality"]
    sdr = (q["si_sdr_noisy"], q["si_sdr_enhanced"], q["si_sdr_enhanced"] - q["si_sdr_noisy"])
    return (recording["name"], *(f"{value:.1f}" for value in sdr), f"{q['estoi_noisy']:.2f}", f"{q['estoi_enhanced']:.2f}")


def _short(check: dict[str, Any]) -> str:
    """The detail as far as a line of README has room."""
    return check["detail"] if len(check["detail"]) <= 72 else check["detail"][:72].rpartition(" ")[0].rstrip(",;") + " …"


def main() -> int:
    """0 where README has the report's figures, or has them now; 1 where they differ; 2 for a wrong call."""
    words = [word for word in sys.argv[1:] if word != "--check"]
    if len(words) != 1:
        print("python ci/readme.py demo/report.json [--check]", file=sys.stderr)
        return 2
    report = json.loads(Path(words[0]).read_text(encoding="utf-8"))
    text = README.read_text(encoding="utf-8")
    block = _BLOCK.search(text)
    if block is None:
        print("README.md has no block of the demo's figures", file=sys.stderr)
        return 2
    compiler, wanted = report["provenance"]["compiler"], lines_of(report)
    if "--check" not in sys.argv:
        head = f"<!-- demo: made by ci/readme.py, {compiler} -->\n\n```\n"
        README.write_text(text[: block.start()] + head + "\n".join(wanted) + "\n```\n" + text[block.end() :], encoding="utf-8")
        return 0
    there = block["text"].splitlines()
    if compiler != block["compiler"]:
        print(f"flash, stack and time are not compared: README's are of {block['compiler']}, these of {compiler}")
        there, wanted = ([line for line in some if not line.startswith(_OF_THE_COMPILER)] for some in (there, wanted))
    for old, new in zip(there, wanted, strict=False):
        if old != new:
            print(f"README.md says    {old}\nthe demo says     {new}", file=sys.stderr)
    if there != wanted:
        print(f"python ci/readme.py {words[0]} writes what is true now", file=sys.stderr)
    return int(there != wanted)


if __name__ == "__main__":
    sys.exit(main())

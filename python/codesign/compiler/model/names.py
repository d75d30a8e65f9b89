"""Display names of operators: plain, unique, and never a surprise in C."""

from __future__ import annotations

import re

C_KEYWORDS = frozenset(
    "auto break case char const continue default do double else enum extern float for goto if inline int long register "  # noqa: SIM905
    "restrict return short signed sizeof static struct switch typedef union unsigned void volatile while main".split()
)

STAGES = frozenset(("analysis", "features", "mask", "synthesis"))
"""What profiles and plans call the front end's stages: no layer has one of these names."""


def identifier(name: str, taken: set[str], fallback: str = "op") -> str:
    """A lower-case C identifier of at most 32 characters like `name` that is not in `taken`, to which it is added."""
    base = re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_")[:28].strip("_") or fallback
    if not base[0].isalpha() or base in C_KEYWORDS:
        base = f"{fallback}_{base}"[:28]
    result, count = base, 1
    while result in taken:
        count += 1
        result = f"{base}_{count}"
    taken.add(result)
    return result

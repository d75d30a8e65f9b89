# SPDX-License-Identifier: Apache-2.0
"""Names out of files, made plain: none of them is one of ours, and no two are the same."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Container, Hashable, Iterable

C_KEYWORDS = frozenset(
    "auto break case char const continue default do double else enum extern float for goto if inline int long register "  # noqa: SIM905
    "restrict return short signed sizeof static struct switch typedef union unsigned void volatile while main".split()
)

STAGES = ("analysis", "features", "mask", "synthesis", "strength", "limiter")
"""What profiles and plans call the front end's stages, and what is done last."""

PARTS = ("application", "enhancer", "kernels", "libc", "other", "runtime", "startup")
"""What size reports call the parts of an image that are no layer's, as far as a layer could be called so."""

_HASH_DIGITS = 8


def identifier(name: str, taken: set[str], fallback: str = "op", limit: int = 28) -> str:
    """A lower-case C identifier like `name` that is not in `taken`, to which it is added; no two _ in a row, none at the end.

    It has at most `limit` characters and, where others have the same, a number after them. A name that is too long ends in a
    hash of all of it.
    """
    base = re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_") or fallback
    if not base[0].isalpha() or base in C_KEYWORDS:
        base = f"{fallback}_{base}"
    if len(base) > limit:
        digest = hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[:_HASH_DIGITS]
        base = f"{base[: limit - _HASH_DIGITS - 1].strip('_')}_{digest}"
    result = unused(base, taken)
    taken.add(result)
    return result


def unused(wanted: str, taken: Container[str]) -> str:
    """`wanted`, or with the first of _2, _3, … that makes it a name that is not in `taken`."""
    name, count = wanted, 1
    while name in taken:
        count += 1
        name = f"{wanted}_{count}"
    return name


def check_unique(what: str, names: Iterable[Hashable]) -> None:
    """Before things are gathered by name: two of one name would silently become one.

    Raises:
        ValueError: a name that is there twice.
    """
    twice = [name for name, count in Counter(names).items() if count > 1]
    if twice:
        raise ValueError(f"{what}: {twice[0]!r} is there twice")

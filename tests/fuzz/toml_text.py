# SPDX-License-Identifier: Apache-2.0
"""TOML documents spoiled at random, as text: also such that no writer of TOML would write."""

from __future__ import annotations

import copy
import json
from typing import Any

from hypothesis import strategies as st


class Token(str):
    """TOML text that stands for a value as it is."""

    __slots__ = ()


TOKENS = tuple(
    map(
        Token,
        (
            *(
                "9" * 400,
                "9" * 4300,
                "9" * 5000,
                "-" + "9" * 400,
                "0x" + "f" * 5000,
                "9223372036854775808",
                "1_000",
                "1e999",
                "1e308",
            ),
            *(
                "inf",
                "-inf",
                "nan",
                "-0.0",
                "5e-324",
                "1979-05-27",
                "07:32:00",
                '"\\u0000"',
                '"""a\nb"""',
                "''",
                "{}",
                "[]",
                "[[]]",
            ),
            *("[" * 5000, "[" * 40 + "]" * 40, "{a=" * 3000, "{a.b.c.d = 1}", "", "=", "tru", '"'),
        ),
    )
)
KEYS = st.one_of(st.text(max_size=6), st.sampled_from(["extends", "name", "default", "a.b", "\0", "x" * 300]))
VALUES = st.recursive(
    st.one_of(
        st.sampled_from(TOKENS),
        st.integers(),
        st.floats(),
        st.booleans(),
        st.text(max_size=20),
        st.sampled_from([0, -1, 2**31, 2**32, 2**63, 10**400, 1e30, "/dev/zero", "..", "x" * 5000]),
    ),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(KEYS, inner, max_size=3)),
    max_leaves=5,
)


@st.composite
def spoiled(draw: st.DrawFn, document: dict[str, Any]) -> str:
    """The text of `document` with up to three keys changed, removed or added."""
    changed = copy.deepcopy(document)
    for _ in range(draw(st.integers(1, 3))):
        table = changed
        while (tables := [v for v in table.values() if isinstance(v, dict)]) and draw(st.booleans()):
            table = draw(st.sampled_from(tables))
        key = draw(st.one_of(st.sampled_from(sorted(table)), KEYS)) if table else draw(KEYS)
        if draw(st.integers(0, 4)) == 0:
            table.pop(key, None)
        else:
            table[key] = draw(VALUES)
    return toml_text(changed)


def toml_text(document: dict[str, Any]) -> str:
    """Lines of `key = value`, tables inline."""
    return "".join(f"{json.dumps(key)} = {_value(value)}\n" for key, value in document.items())


def _value(value: Any) -> str:
    match value:
        case Token():
            return value
        case bool():
            return str(value).lower()
        case str():
            return json.dumps(value, ensure_ascii=False)
        case dict():
            return "{" + ", ".join(f"{json.dumps(k)} = {_value(v)}" for k, v in value.items()) + "}"
        case list() | tuple():
            return "[" + ", ".join(map(_value, value)) + "]"
        case _:
            return repr(value)

"""C identifiers: the only names from a model file that reach generated code pass through here."""

from __future__ import annotations

import re
from collections.abc import Iterable

from codesign.base.errors import InputError

_IDENTIFIER = re.compile(r"[a-z][a-z0-9_]{0,126}\Z")  # a model, a layer and what it is: all compilers here take as many


def checked(name: str) -> str:
    """`name`, if it is a plain lower-case C identifier; layers are always prefixed, so keywords cannot arise."""
    if not _IDENTIFIER.match(name):
        raise InputError(f"emit: '{name}' is not a C identifier", hint="lower case letters, digits and _ only")
    return name


def model_identifier(name: str) -> str:
    """A C identifier made of a free-text model name: "My Net (v2)" → "my_net_v2"."""
    plain = re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_")[:32].strip("_")
    if not plain or not plain[0].isalpha():
        plain = f"model_{plain}".strip("_")
    return checked(f"cs_{plain}" if plain in _KEYWORDS else plain)


_KEYWORDS = frozenset(
    [
        "auto",
        "break",
        "case",
        "char",
        "const",
        "continue",
        "default",
        "do",
        "double",
        "else",
        "enum",
        "extern",
        "float",
        "for",
        "goto",
        "if",
        "inline",
        "int",
        "long",
        "register",
        "restrict",
        "return",
        "short",
        "signed",
        "sizeof",
        "static",
        "struct",
        "switch",
        "typedef",
        "union",
        "unsigned",
        "void",
        "volatile",
        "while",
        "main",
    ]
)


def macros(names: Iterable[str]) -> dict[str, str]:
    """An upper-case C macro name for each of `names` (any text), unique among them."""
    taken: set[str] = set()
    result = {}
    for name in names:
        base = re.sub(r"[^A-Z0-9]+", "_", name.upper()).strip("_")[:48] or "VALUE"
        base = f"V_{base}" if base[0].isdigit() else base
        macro, count = base, 1
        while macro in taken:
            count += 1
            macro = f"{base}_{count}"
        taken.add(macro)
        result[name] = macro
    return result

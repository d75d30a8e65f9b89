# SPDX-License-Identifier: Apache-2.0
"""Names in C: all that a generated model defines is named here, so that nothing from a file meets a name of ours.

Of a model called <id>, with a layer called <layer>:

    <id>_model, <id>_frontend, <id>_mel_start …         the model and its front end: what templates call them
    <id>_layer_<layer>, <id>_layer_<layer>__bias …      a layer's function, and what belongs to it
    <id>_state_<number>                                 what a state starts from, where that is no one number
    FRONT_…, SCRATCH_…, VALUE_…                         offsets of buffers
    <ID>_HOP, <ID>_SAMPLE_RATE, <ID>_MEMORY_BYTES       macros of <id>.h

<id> and <layer> have no two _ in a row, and <id> is no header's name and does not begin as the runtime's names do,
or as those of offsets.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from codesign.base.errors import InputError
from codesign.compiler.names import check_unique, identifier
from codesign.compiler.plan import BufferKey

_IDENTIFIER = re.compile(r"[a-z][a-z0-9_]{0,126}\Z")  # a model, a layer and what it is: all compilers here take as many
_MODEL_CHARACTERS = 32
_MACRO_CHARACTERS = 48

_HEADERS = frozenset(  # of the C library, which <id>.h would hide
    "alloca aio assert byteswap complex ctype dirent dlfcn endian errno fcntl features fenv float glob inttypes iso646 limits "  # noqa: SIM905
    "locale malloc math memory pthread sched semaphore setjmp signal stdalign stdarg stdatomic stdbit stdbool stdckdint stddef "
    "stdint stdio stdlib stdnoreturn string strings tgmath threads time uchar unistd wchar wctype newlib version".split()
)
_MACRO_PREFIXES = {"front end": "FRONT", "scratch": "SCRATCH", "value": "VALUE"}

_OURS = re.compile(rf"(cs|codesign|{'|'.join(_MACRO_PREFIXES.values()).lower()})(_|\Z)")


def checked(name: str) -> str:
    """`name`, if it is a plain lower-case C identifier.

    Raises:
        InputError: it is not.
    """
    if not _IDENTIFIER.match(name):
        raise InputError(f"emit: '{name}' is not a C identifier", hint="lower case letters, digits and _ only")
    return name


def model_identifier(name: str) -> str:
    """A C identifier made of a free-text model name: "My Net (v2)" → "my_net_v2"."""
    plain = identifier(name, set(), "model", _MODEL_CHARACTERS)
    return f"model_{plain}" if plain in _HEADERS or _OURS.match(plain) else plain


def layer_identifier(model: str, layer: str) -> str:
    """What a layer's function is called, and what the names of all else that belongs to it begin with."""
    return checked(f"{model}_layer_{checked(layer)}")


def macros(keys: Iterable[BufferKey]) -> Mapping[BufferKey, str]:
    """The macro of each buffer's offset, unique among them."""
    taken: set[str] = set()
    found = {}
    for key in keys:
        prefix = _MACRO_PREFIXES[key.kind].lower()
        found[key] = identifier(f"{prefix} {key.name}", taken, limit=_MACRO_CHARACTERS).upper()
    check_unique("macros of buffers", found.values())
    return found

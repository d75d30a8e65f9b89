# SPDX-License-Identifier: Apache-2.0
"""Programs of a chain: named settings that a wearer switches between while the sound goes on."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING

from codesign.base.errors import InputError
from codesign.compiler.frontend.compressor import gain_checks

if TYPE_CHECKING:
    from codesign.compiler.frontend.chain import Chain

MAX_PROGRAMS = 8
"""Beside the chain's own settings."""


@dataclass(frozen=True)
class Program:
    """What a program says in place of the chain's keys of the same names; `gains` is a table for the chain's compressor. None
    and () leave the chain's.
    """

    name: str
    attenuation_limit: float | None = None
    strength: int | None = None
    gains: tuple[tuple[float, ...], ...] = ()
    limiter: float | None = None
    limiter_spl: float | None = None
    limiter_rms: float | None = None
    limiter_rms_spl: float | None = None


def program_checks(chain: Chain) -> Iterator[tuple[bool, str]]:
    """Conditions of a chain's programs with what to say where they fail."""
    programs, last = chain.programs, len(chain.programs)
    yield last <= MAX_PROGRAMS, f"{last} programs, at most {MAX_PROGRAMS} stand beside the chain's own settings"
    yield 0 <= chain.program <= last, f"program {chain.program} is not in 0…{last}"
    names = [program.name for program in programs]
    yield all(name and len(name) <= 40 and name.isprintable() for name in names), "a program has no name of 1…40 letters"
    yield len(set(names)) == last, "two programs have one name"
    for program in programs:
        where = f"program '{program.name}'"
        for needed, keys in _NEEDED.items():
            said = [key for key in keys if getattr(program, key) not in (None, ())]
            has = any(getattr(chain, key) is not None for key in needed)
            yield has or not said, f"{where} has {', '.join(said)}, and the chain no {' or '.join(needed)}"
        if program.gains and chain.compressor is not None:
            yield from gain_checks(chain.compressor, program.gains, where)
        problem = ""
        try:
            _of(chain, program)
        except InputError as error:
            problem = error.message.removeprefix("front end: ")
        yield not problem, f"{where}: {problem}"


_NEEDED = {
    ("attenuation_limit", "strength"): ("attenuation_limit", "strength"),
    ("compressor",): ("gains",),
    ("limiter", "limiter_spl"): ("limiter", "limiter_spl"),
    ("limiter_rms", "limiter_rms_spl"): ("limiter_rms", "limiter_rms_spl"),
}
"""What of a program needs which keys of its chain."""


def check_program(chain: Chain, program: int) -> None:
    """Whether a chain has a program of this number.

    Raises:
        InputError: it does not.
    """
    if not 0 <= program <= len(chain.programs):
        known = ", ".join(f"{number} {name}" for number, name in enumerate(program_names(chain)))
        raise InputError(f"no program {program}", hint=f"there are {known} (docs/hearing-aid-chain.md)")


def program_names(chain: Chain) -> tuple[str, ...]:
    """Names of all programs, 0 first: the chain's own settings."""
    return ("the chain's own", *(program.name for program in chain.programs))


def program_chains(chain: Chain) -> tuple[Chain, ...]:
    """The chain in each of its programs, 0 first: chains without programs."""
    alone = replace(chain, programs=(), program=0)
    return (alone, *(_of(alone, program) for program in chain.programs))


def _of(chain: Chain, program: Program) -> Chain:
    said = {field.name: value for field in fields(program) if (value := getattr(program, field.name)) not in (None, ())}
    del said["name"]
    gains = said.pop("gains", ())
    for key in ("limiter", "limiter_rms"):  # one unit takes the place of the other
        if key in said or f"{key}_spl" in said:
            said = {key: None, f"{key}_spl": None} | said
    compressor = replace(chain.compressor, gains=gains) if gains and chain.compressor else chain.compressor
    return replace(chain, **said, compressor=compressor, programs=(), program=0)

# SPDX-License-Identifier: Apache-2.0
"""What templates know of a chain's last stages: strength and limiters, of every program."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from codesign.compiler.frontend import Chain
from codesign.compiler.frontend.capture import captures
from codesign.compiler.frontend.output_stage import Limiter, limiter_of, mix_of, rms_limiter_of
from codesign.compiler.frontend.programs import program_chains

_NO_LIMIT = 32768


def output_stage(chain: Chain) -> dict[str, Any]:
    """Names for templates: what the chain has, C initializers of all programs, whether samples are changed at last."""
    programs = program_chains(chain)
    mix, limiter, rms = mix_of(programs[chain.program]), limiter_of(chain), rms_limiter_of(chain)
    delay = chain.latency_samples if chain.compressor is None else 0
    found = [each for each in map(mix_of, programs) if each is not None]
    mixes = ", ".join(f"{{ {delay}, {each.least}, {each.strength}, {each.step} }}" for each in found)
    return {
        "programs": programs,
        "program_names": ", ".join(_string(program.name) for program in chain.programs),
        "mix": mix,
        "mixes": mixes,
        "limiter": limiter,
        "limiters": _initializers([limiter_of(each) for each in programs]),
        "rms_limiter": rms,
        "rms_limiters": _initializers([rms_limiter_of(each) for each in programs]),
        "peak": _peak([limiter_of(each) for each in programs]),
        "finishes": finishes(chain),
    }


def _string(text: str) -> str:
    """A C string of the UTF-8 of `text`; three octal digits, which no letter after them can continue."""
    plain = frozenset(b" -.,:+()/_") | frozenset(range(48, 58)) | frozenset(range(65, 91)) | frozenset(range(97, 123))
    return '"' + "".join(chr(byte) if byte in plain else f"\\{byte:03o}" for byte in text.encode()) + '"'


def finishes(chain: Chain) -> bool:
    """Whether something is done to the network's samples after the frame; limiters come after what is done for the device."""
    mixes = mix_of(chain) is not None and chain.compressor is None
    limits = limiter_of(chain) is not None or rms_limiter_of(chain) is not None
    return mixes or (limits and not captures(chain))


def _peak(limiters: Sequence[Limiter | None]) -> int:
    """The largest sample that any program lets pass."""
    return max(_NO_LIMIT if each is None else each.level for each in limiters)


def _initializers(limiters: Sequence[Limiter | None]) -> str:
    return ", ".join(
        f"{{ {each.level}, {each.step}, {each.attack}u, {each.release}u }}" for each in limiters if each is not None
    )

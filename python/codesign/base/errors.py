# SPDX-License-Identifier: Apache-2.0
"""Errors a user can cause or meet. The command line prints them as one line and exits with their code."""

from __future__ import annotations


class CodesignError(Exception):
    """Base of all expected errors: `message` says what and where, `hint` what to do next."""

    exit_code = 1

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = one_line(message)
        self.hint = one_line(hint)

    def __str__(self) -> str:
        return f"{self.message}; {self.hint}" if self.hint else self.message


class ValidationError(CodesignError):
    """A budget or a check failed (exit code 1)."""


class InputError(CodesignError):
    """A file or option given by the user cannot be used (exit code 2)."""

    exit_code = 2


class ToolError(CodesignError):
    """A compiler, emulator or package is missing or does not work (exit code 3)."""

    exit_code = 3


class BuildError(CodesignError):
    """The compiler or linker refused (exit code 4)."""

    exit_code = 4


def one_line(text: str, limit: int = 400) -> str:
    """`text` on one printable line of at most `limit` characters: names in untrusted files may hold anything."""
    clean = "".join(c if c.isprintable() else " " for c in text)
    clean = " ".join(clean.split())
    return clean if len(clean) <= limit else clean[: limit - 1] + "…"

# SPDX-License-Identifier: Apache-2.0
"""Hints of the library in the words of the command that is running."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from codesign.base.errors import InputError

FROM_CHECKPOINT = (
    "codesign export CHECKPOINT --float -o float.onnx writes the weights before rounding; "
    "codesign quantize float.onnx --data FOLDER finds scales that hold"
)


@contextlib.contextmanager
def from_a_checkpoint() -> Iterator[None]:
    """A network that cannot be lowered came from a checkpoint here: `codesign quantize` alone would have no file to read."""
    try:
        yield
    except InputError as error:
        from codesign.compiler.lower.constants import QUANTIZE_HINT

        if not error.hint.endswith(QUANTIZE_HINT):
            raise
        raise InputError(error.message, hint=FROM_CHECKPOINT) from error

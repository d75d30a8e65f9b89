# SPDX-License-Identifier: Apache-2.0
"""What a command says to do next leads on, and not in a circle."""

from __future__ import annotations

import pytest

from codesign.base.errors import InputError
from codesign.cli.hints import FROM_CHECKPOINT, from_a_checkpoint
from codesign.compiler.lower.constants import QUANTIZE_HINT


@pytest.mark.parametrize("hint", [QUANTIZE_HINT, f"quantize the row with a larger scale: {QUANTIZE_HINT}"])
def test_a_checkpoint_that_cannot_be_lowered_is_exported_as_float_first(hint):
    with pytest.raises(InputError, match="fc0: the sum could overflow") as caught, from_a_checkpoint():
        raise InputError("fc0: the sum could overflow", hint=hint)
    assert caught.value.hint == FROM_CHECKPOINT
    assert FROM_CHECKPOINT.index("codesign export") < FROM_CHECKPOINT.index("codesign quantize")


def test_other_errors_keep_their_hint():
    with pytest.raises(InputError) as caught, from_a_checkpoint():
        raise InputError("no such file", hint="name another")
    assert caught.value.hint == "name another"

# SPDX-License-Identifier: Apache-2.0
"""All passes, in order."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import onnx

from codesign.compiler.model.metadata import properties
from codesign.compiler.model.passes import (
    angles,
    batch_norm,
    block_weights,
    cleanup,
    composed,
    crops,
    cuts,
    dequantize,
    dynamic,
    gather,
    integers,
    joined_constants,
    linear,
    norm,
    pointwise,
    position_cells,
    scales,
    scatter,
    selections,
    unrolled,
)
from codesign.compiler.model.passes.convert import draft_of, model_of
from codesign.compiler.model.passes.draft import CellWeights, Draft
from codesign.compiler.model.passes.half import widened
from codesign.compiler.model.passes.outputs import choose_output, pairs_by_shape, state_pairs
from codesign.compiler.model.passes.pairs import pair_states
from codesign.compiler.model.passes.sequence import one_step
from codesign.compiler.model.passes.stacked import split_states
from codesign.compiler.model.passes.walk import walk

FindCell = Callable[[onnx.ModelProto], CellWeights | None]
Pass = Callable[[Draft], bool]
"""Changes a draft and says whether it did; types of new values are for `walk` to find."""

PASSES: tuple[tuple[str, Pass], ...] = (
    ("cleanup", cleanup.run),
    ("composed", composed.run),
    ("selections", selections.run),
    ("gather", gather.run),
    ("scatter", scatter.run),
    ("cuts", cuts.run),
    ("crops", crops.run),
    ("joined_constants", joined_constants.run),
    ("pointwise", pointwise.run),
    ("batch_norm", batch_norm.run),
    ("norm", norm.run),
    ("linear", linear.run),
    ("scales", scales.run),
)
MAX_ROUNDS = 32


@dataclass(frozen=True)
class Simplified:
    """One step in few operators, and what people should know of how it came about."""

    model: onnx.ModelProto
    notes: tuple[str, ...]


def simplify(
    path: Path, model: onnx.ModelProto, output: str | None = None, *, as_float: bool = False, cell: FindCell | None = None
) -> Simplified:
    """The one-step form of a checked model, with the output called `output` or the one that fits best; `cell` finds the cell of
    a loop.

    With `as_float`, a quantized network becomes the float one that it stands for.

    Raises:
        InputError: what `walk` and `one_step` refuse; no such output.
    """
    model, halves = widened(model)
    draft = draft_of(path, model)
    draft.cell = cell
    if halves:
        draft.note("the file computes in float16: it is taken in float32, which differs by the rounding of float16")
    draft.take_constants()
    block_weights.run(draft)
    integers.run(draft)
    dynamic.run(draft)
    if as_float:
        dequantize.run(draft)
    angles.run(draft)
    if not any(isinstance(size, str) for dims in draft.dims.values() for size in dims):
        plain = walk(draft)
        draft = plain if unrolled.run(plain) else draft
    draft = one_step(draft)
    if unrolled.run(draft):
        draft = walk(draft)
    pair_states(draft, properties(model))
    choose_output(draft, properties(model), output)
    draft.drop_dead()
    position_cells.run(draft, state_pairs(draft, properties(model)))
    draft.drop_dead()
    draft = walk(draft)
    draft = _to_the_end(draft)
    split_states(draft, pairs_by_shape(draft, state_pairs(draft, properties(model))))
    draft.drop_dead()
    draft = _to_the_end(walk(draft))
    linear.name_signs(draft)
    draft.drop_dead()
    return Simplified(model_of(draft, model), tuple(draft.notes))


def _to_the_end(draft: Draft) -> Draft:
    """The draft after all passes, again and again until none changes it."""
    for _ in range(MAX_ROUNDS):
        changed = False
        for _, run in PASSES:
            if run(draft):
                draft.drop_dead()
                draft = walk(draft)
                changed = True
        if not changed:
            break
    draft.drop_dead()
    return draft

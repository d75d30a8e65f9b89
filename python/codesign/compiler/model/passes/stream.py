# SPDX-License-Identifier: Apache-2.0
"""Which axes of a graph's values are time: those that grow with the number of frames."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import onnx

from codesign.base.errors import InputError
from codesign.compiler.model.passes.draft import Draft, attribute, operand, positive
from codesign.compiler.model.passes.families import REDUCTIONS
from codesign.compiler.model.passes.weights import RECURRENT

HINT = "train a causal network, or export one step with its states as inputs and outputs"
STRONG, WEAK = 2, 1


@dataclass
class Stream:
    """A graph walked for two numbers of frames: `few` for the first of `frames`, `many` for the second."""

    few: Draft
    many: Draft
    frames: tuple[int, int]
    lead: dict[str, int] = field(default_factory=dict)
    """Elements of a value along time before that of the first frame."""
    zeros: dict[str, int] = field(default_factory=dict)
    """How many of those are zero, counted back from the first frame."""
    counts: dict[str, str] = field(default_factory=dict)
    """Constants that count frames, and the values of one step that they became."""
    given: set[str] = field(default_factory=set)
    """Values whose elements before the first frame come from a state of the file."""

    def growing(self, name: str) -> list[int]:
        """Axes whose size depends on the number of frames."""
        if name not in self.few.types or name not in self.many.types:
            return []
        return [i for i, (a, b) in enumerate(zip(self.few.shape(name), self.many.shape(name), strict=True)) if a != b]

    def keeps_frames(self, name: str) -> bool:
        """Whether a value has as many frames as the input."""
        axes = self.growing(name)
        return len(axes) == 1 and self.few.shape(name)[axes[0]] == self.frames[0]

    def axis(self, name: str) -> int | None:
        """The time axis of a value, None without one.

        Raises:
            InputError: several axes grow, or one in other steps than the frames.
        """
        axes = self.growing(name)
        if not axes:
            return None
        few, many = self.few.shape(name), self.many.shape(name)
        if len(axes) > 1 or many[axes[0]] - few[axes[0]] != self.frames[1] - self.frames[0]:
            raise InputError(
                f"{self.few.path}: '{name}' has shape {list(few)} for {self.frames[0]} frames: frames are mixed", hint=HINT
            )
        return axes[0]


def time_evidence(stream: Stream) -> int:
    """How sure it is that the axis is time: STRONG where something runs along it, WEAK where it is cut or summed, 0 where each
    place is alone, as in a batch.
    """
    return max((_evidence(stream, node) for node in stream.few.nodes), default=0)


def _evidence(stream: Stream, node: onnx.NodeProto) -> int:
    axes, draft, kind = stream.growing(operand(node, 0)), stream.few, node.op_type
    if kind in RECURRENT:
        return STRONG if 0 in axes else 0
    if kind in ("Conv", "ConvTranspose"):
        return STRONG if any(axis >= 2 for axis in axes) else 0
    if kind == "Pad":
        return STRONG if any(_padded(draft, node, axis) for axis in axes) else 0
    if kind == "Concat":
        results = stream.growing(node.output[0])
        along = positive(int(attribute(node, "axis", 0)), len(draft.shape(node.output[0])))
        return STRONG if along in results and len(node.input) > 1 else 0
    if kind == "MatMul" and axes and stream.growing(node.input[1]):
        return WEAK
    cut = kind in ("Slice", "Gather", "CumSum") or kind in REDUCTIONS
    if cut and axes and stream.growing(node.output[0]) != axes:
        return WEAK
    if kind == "Slice" and axes and draft.shape(node.input[0]) != draft.shape(node.output[0]):
        same = [draft.shape(name)[axes[0]] for name in (node.input[0], node.output[0])]
        return WEAK if same[0] != same[1] else 0
    if kind in ("CumSum", "Softmax") and axes:
        axis = draft.constants.get(operand(node, 1)) if kind == "CumSum" else attribute(node, "axis", -1)
        return WEAK if axis is not None and positive(int(np.ravel(axis)[0]), len(draft.shape(node.input[0]))) in axes else 0
    return WEAK if any(_differs(stream, name) for name in node.input) and stream.growing(node.output[0]) else 0


def _differs(stream: Stream, name: str) -> bool:
    """Whether real numbers are not the same for each place of what grows: numbers of frames."""
    array, axes = stream.few.constants.get(name), stream.growing(name)
    return array is not None and array.dtype.kind == "f" and any((array != np.take(array, [0], axis)).any() for axis in axes)


def _padded(draft: Draft, node: onnx.NodeProto, axis: int) -> bool:
    before, after = (draft.shape(name)[axis] for name in (node.input[0], node.output[0]))
    return before != after

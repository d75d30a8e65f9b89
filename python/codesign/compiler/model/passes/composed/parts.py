# SPDX-License-Identifier: Apache-2.0
"""What a node is written in: nodes and constants that are named after it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import onnx

from codesign.compiler.model.passes.draft import Array, Draft, make


class Parts:
    """The nodes in a node's place, in order; calling it appends one and gives the name of its output.

    The last one's output is that of the node: see `end`.
    """

    def __init__(self, draft: Draft, node: onnx.NodeProto) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self._draft, self._node = draft, node

    def __call__(self, kind: str, *inputs: str, **attributes: Any) -> str:
        count = f"_{len(self.nodes) + 1}" if self.nodes else ""
        output = self._draft.fresh(f"{self._node.output[0]}_{kind.lower()}{count}")
        self.nodes.append(make(kind, inputs, [output], f"{self._node.name}_{kind.lower()}{count}", **attributes))
        return output

    def ints(self, *numbers: int) -> str:
        """A constant list of integers, such as a shape or axes."""
        return self._draft.constant(np.asarray(numbers, np.int64), f"{self._node.output[0]}_numbers")

    def reals(self, numbers: Array | Sequence[float] | float) -> str:
        """A float32 constant."""
        return self._draft.constant(np.asarray(numbers, np.float32), f"{self._node.output[0]}_reals")

    def reshape(self, source: str, shape: Sequence[int]) -> str:
        """The same elements, row-major, in another shape."""
        return self("Reshape", source, self.ints(*shape))

    def cut(self, source: str, axis: int, start: int, end: int, step: int = 1) -> str:
        """The elements `start` … `end` − 1 along an axis, every `step`-th."""
        return self("Slice", source, self.ints(start), self.ints(end), self.ints(axis), self.ints(step))

    def end(self) -> list[onnx.NodeProto]:
        """All nodes, the last one with the name and the output of the node that they replace."""
        last = self.nodes[-1]
        last.name, last.output[0] = self._node.name, self._node.output[0]
        return self.nodes

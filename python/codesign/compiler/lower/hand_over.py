# SPDX-License-Identifier: Apache-2.0
"""What is between two networks in a row: what the first one gives becomes what the second one is given."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from codesign.compiler.frontend import Chain
from codesign.compiler.layers.code import CodeContext, LayerCode
from codesign.compiler.layers.layer import Stage


@dataclass(frozen=True)
class HandOver(Stage):
    """The mask of the chain `first`, then the features of the chain `second`, with no overlap-add between them.

    It runs after the layer `after`, reads the value `source`, writes `output`, and changes the front end's spectrum. What is
    handed over is a spectrum, or a frame where either chain has one there (reference.frontend.handed_over). In the filter path
    the gains are kept beside it: the next filter is made of the product of all networks' gains.
    """

    after: str
    first: Chain
    second: Chain
    source: str
    output: str

    kind: ClassVar[str] = "handover"

    @property
    def title(self) -> str:
        return f"{self.first.output} to {self.second.feature}"

    @property
    def reads(self) -> tuple[str, ...]:
        return (self.source,)

    @property
    def writes(self) -> tuple[str, ...]:
        return (self.output,)

    @property
    def states(self) -> tuple[str, ...]:
        return ()

    @property
    def scratch_bytes(self) -> int:
        return 0

    def code(self, context: CodeContext) -> LayerCode:
        """Its function is among the front end's, whose tables it reads."""
        return LayerCode(context.functions[self.name], (), "")

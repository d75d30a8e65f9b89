# SPDX-License-Identifier: Apache-2.0
"""A model by its path → the integer network that it becomes: one network, or several in a row."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from codesign.compiler.lower.network import Network
from codesign.compiler.lower.row import check_row, lower_row
from codesign.compiler.model import Graph, load_row


@dataclass(frozen=True)
class LoadedPart:
    """One network of a model: its file, what that says, and its integers."""

    path: Path
    graph: Graph
    network: Network


@dataclass(frozen=True)
class LoadedModel:
    """A model that was read once: its networks in order, and the one network that they become together."""

    path: Path
    parts: tuple[LoadedPart, ...]
    network: Network

    @property
    def sample_rate(self) -> int:
        """Hz of its signals, as a device gives and takes them."""
        return self.network.frontend.ends.rate

    def changed(self, **keys: Any) -> LoadedModel:
        """The same model with other keys of a chain's last stages (frontend.chain.OUTPUT_STAGE), which its networks share.

        Raises:
            InputError: they do not fit the chain.
        """
        parts = tuple(
            LoadedPart(
                part.path,
                replace(part.graph, frontend=replace(part.graph.frontend, **keys)),
                replace(part.network, frontend=replace(part.network.frontend, **keys)),
            )
            for part in self.parts
        )
        if not self.network.parts:
            return LoadedModel(self.path, parts, replace(self.network, frontend=parts[0].network.frontend))
        check_row([part.network.frontend for part in parts])
        between = tuple(
            replace(each, first=replace(each.first, **keys), second=replace(each.second, **keys))
            for each in self.network.hand_overs
        )
        network = replace(
            self.network,
            frontend=parts[0].network.frontend,
            parts=tuple(part.network for part in parts),
            hand_overs=between,
        )
        return LoadedModel(self.path, parts, network)


def load_model(model: Path | LoadedModel, chain: Path | None = None, result: str | None = None) -> LoadedModel:
    """Read and lower an int8 model, arguments as for load_row; one that is loaded already comes back as it is.

    Raises:
        InputError: the file cannot be used, or is no int8 model that can be lowered.
    """
    if isinstance(model, LoadedModel):
        return model
    row = load_row(model, chain, result)
    network = lower_row(row.graphs, row.name)
    parts = map(LoadedPart, row.paths, row.graphs, network.row)
    return LoadedModel(model, tuple(parts), network)

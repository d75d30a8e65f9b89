# SPDX-License-Identifier: Apache-2.0
"""Networks in a row, from a TOML file with a [[stage]] for each; a model file alone is a row of one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from codesign.base.errors import InputError, one_line
from codesign.base.toml import read_toml
from codesign.compiler.frontend import Chain
from codesign.compiler.frontend.read import ChainReading, Entry
from codesign.compiler.model.chain_file import SUFFIX, checked_keys
from codesign.compiler.model.graph import Graph
from codesign.compiler.model.onnx_model import load_stage
from codesign.compiler.model.stage import StageFile

_HINT = "see Networks in a row in docs/model-file.md"
_OWN_KEYS = ("model", "chain", "result")
MAX_STAGES = 8


@dataclass(frozen=True)
class NetworkRow:
    """Graphs that follow each other, each with its file and what was read and assumed of its chain; `name` is "" for theirs."""

    name: str
    paths: tuple[Path, ...]
    graphs: tuple[Graph, ...]
    readings: tuple[ChainReading, ...]

    @property
    def chains(self) -> tuple[Chain, ...]:
        """What is around each network."""
        return tuple(graph.frontend for graph in self.graphs)

    def changed(self, **keys: Any) -> NetworkRow:
        """With other values of keys in all chains.

        Raises:
            InputError: the chains cannot be so.
        """
        return replace(self, graphs=tuple(replace(graph, frontend=replace(graph.frontend, **keys)) for graph in self.graphs))


def is_row_file(path: Path) -> bool:
    """Whether a file says which networks follow each other.

    Raises:
        InputError: a TOML file that cannot be read.
    """
    return path.suffix.lower() == SUFFIX and "stage" in read_toml(path, _HINT)


def load_row(
    path: Path, chain: Path | None = None, result: str | None = None, *, strict: bool = True, as_float: bool = False
) -> NetworkRow:
    """The graphs of a TOML file with [[stage]] tables, or of one model file; `chain` and `result` as for load_onnx, `as_float`
    and `strict` as for load_stage, without `strict` `partial` too.

    Raises:
        InputError: a file cannot be used; `chain` or `result` beside a TOML file, which has its own.
    """
    if path.suffix.lower() != SUFFIX:
        graph, reading = load_stage(StageFile(path, chain, result), strict=strict, as_float=as_float, partial=not strict)
        return NetworkRow("", (path,), (graph,), (reading,))
    if chain is not None or result is not None:
        option = "--chain" if chain is not None else "--result"
        raise InputError(f"{option} beside {path}, whose stages have their own", hint=_HINT)
    name, stages = _stages(path)
    graphs, readings = list[Graph](), list[ChainReading]()
    for stage in stages:
        before = graphs[0].frontend if graphs else None
        graph, reading = load_stage(stage, before, strict=strict, as_float=as_float, partial=not strict)
        graphs.append(graph)
        readings.append(reading)
    return NetworkRow(name, tuple(stage.model for stage in stages), tuple(graphs), tuple(readings))


def row_text(name: str, models: Sequence[str]) -> str:
    """The TOML of model files, in order, whose metadata hold their chains."""
    lines = [f"name = {_quoted(name)}"] if name else []
    for model in models:
        lines += ["", "[[stage]]", f"model = {_quoted(model)}"]
    return "\n".join(lines).lstrip("\n") + "\n"


def _quoted(text: str) -> str:
    escaped = "".join(f"\\u{ord(c):04x}" if ord(c) < 32 or c in '"\\\x7f' else c for c in text)
    return f'"{escaped}"'


def _stages(path: Path) -> tuple[str, list[StageFile]]:
    document = read_toml(path, _HINT)
    unknown = [key for key in document if key not in ("name", "stage")]
    tables, name = document.get("stage"), document.get("name", "")
    if not isinstance(tables, list) or not all(isinstance(table, dict) for table in tables):
        raise InputError(f"{path} has no [[stage]]: it names no model", hint=_HINT)
    if unknown or not isinstance(name, str):
        key = unknown[0] if unknown else "name"
        raise InputError(f'{path}: {one_line(key, 40)} means nothing beside name = "…" and [[stage]]', hint=_HINT)
    if not 1 <= len(tables) <= MAX_STAGES:
        raise InputError(f"{path} has {len(tables)} stages, 1 to {MAX_STAGES} can follow each other", hint=_HINT)
    return one_line(name, 80), [_stage(path, number, table) for number, table in enumerate(tables, 1)]


def _stage(path: Path, number: int, table: dict[str, Any]) -> StageFile:
    where = f"{path}: stage {number}"
    for key in _OWN_KEYS:
        if not isinstance(table.get(key, ""), str):
            raise InputError(f"{where}: {key} is no text", hint=_HINT)
    if not table.get("model"):
        raise InputError(f"{where} has no model", hint='write model = "FILE.onnx"')
    keys = {key: Entry(value, f"{where}:", by_hand=True) for key, value in table.items() if key not in _OWN_KEYS}
    if "chain" in table and keys:
        raise InputError(f"{where}: a chain file beside keys of a chain", hint="give one of them")
    chain = path.parent / table["chain"] if "chain" in table else None
    return StageFile(path.parent / table["model"], chain, table.get("result"), checked_keys(keys), path.parent)

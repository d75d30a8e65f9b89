# SPDX-License-Identifier: Apache-2.0
"""codesign inspect: what is in a model file, and what it will cost."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from codesign.base.words import counted
from codesign.cli.board_costs import print_sketches, sketched
from codesign.cli.console import cells, emit_json, say, stderr, table
from codesign.cli.options import ChainFile, Json, Model

if TYPE_CHECKING:
    from codesign.compiler.frontend.read import ChainReading
    from codesign.compiler.lower.network import Network
    from codesign.compiler.model import Graph
    from codesign.compiler.model.row_file import NetworkRow


def command(
    model: Model,
    chain: ChainFile = None,
    result: Annotated[
        str | None,
        typer.Option("--result", "--output", help="The output to keep, where the file has several.", show_default=False),
    ] = None,
    json: Json = False,
) -> None:
    """Show what is around a model's network, its layers, states, memory, multiply-accumulates and rough cost on each board.

    A chain file alone is shown too.

    Example: codesign inspect codesign-examples/pruned.onnx
    """
    from codesign.compiler.model import load_row, read_chain
    from codesign.compiler.model.row_file import is_row_file
    from codesign.compiler.plan import plan_memory as _plan_memory  # noqa: F401  loaded before the first line is printed
    from codesign.firmware.cost.sketch import sketches as _sketches  # noqa: F401  so that Ctrl-C says one line

    if model.suffix.lower() == ".toml" and not is_row_file(model):
        reading = read_chain(model, chain)
        _show((reading,), json)
        if json:
            emit_json("inspect", name=model.stem, frontend=reading.chain)
        return
    row = load_row(model, chain, result, strict=False)
    wrong = [reading.problem for reading in row.readings if reading.problem is not None and not reading.silent]
    if not wrong:
        _show(row.readings, json)
    for graph in row.graphs:
        for note in graph.notes:
            say(note)
    if wrong:  # of a network in a chain that is not its own there is no more to say than what is in it
        for graph in row.graphs if not json else ():
            _draw(graph)
        raise wrong[0]
    if all(graph.quants for graph in row.graphs):
        _inspect_integers(row, json)
    else:
        options = f" --chain {chain}" if chain else ""
        options += f" --result {result}" if result else ""
        _inspect_floats(row, f"codesign quantize {model}{options} --data FOLDER", json)


def _inspect_floats(row: NetworkRow, quantize: str, json: bool) -> None:
    """What networks are and would cost as integers, and the command that makes them so."""
    name = row.name or " + ".join(graph.name for graph in row.graphs)
    shaped, costs, reason = sketched(row.graphs, name) if _has_chain(row) else (None, (), "")
    if json:
        values: dict[str, object] = {"graphs": [_in_words(graph) for graph in row.graphs], "boards": costs}
        values |= {"macs": shaped.macs} if shaped is not None else {}
        emit_json("inspect", name=name, quantized=False, sha256=row.graphs[0].sha256, **values, **_around(row))
        return
    for graph in row.graphs:
        _draw(graph)
    if shaped is not None:
        _print_layers(shaped)
        print_sketches(costs)
    elif reason:
        say(f"no estimate of what it costs: {reason}")
    operators = " + ".join(counted(len(graph.ops), "operator") for graph in row.graphs if not graph.quants)
    say(f"{name}: float, {operators}; {quantize} makes it int8")


def _inspect_integers(row: NetworkRow, json: bool) -> None:
    """The integer network's layers and states; its memory and cost too, where its chain is known."""
    from codesign.compiler.lower.row import lower_row
    from codesign.compiler.plan import plan_memory
    from codesign.firmware.cost.sketch import sketches

    network = lower_row(row.graphs, row.name)
    plan = plan_memory(network) if _has_chain(row) else None
    costs = sketches(network) if plan is not None else ()
    tflite = any(graph.tflite for graph in row.graphs)
    if json:
        emit_json(
            "inspect",
            name=network.name,
            quantized=True,
            sha256=network.sha256,
            licence=network.licence,
            macs=network.macs,
            tflite=tflite,
            memory_bytes=plan.bytes if plan is not None else None,
            layers=[{"name": stage.name, "kind": type(stage).__name__, "macs": stage.macs} for stage in network.stages],
            states=[{"name": s.value.name, "size": s.value.size, "dtype": s.value.dtype} for s in network.states],
            boards=costs,
            **_around(row),
        )
        return
    if plan is None:
        say(f"{network.name}: {network.macs:,} MACs a step")
    else:
        config = network.frontend
        say(f"{network.name}: {network.macs:,} MACs a step, {config.sample_rate} Hz, window {config.window}, hop {config.hop}")
        say(
            f"algorithmic latency {config.algorithmic_latency_ms:g} ms, deadline {config.deadline_ms:g} ms a frame, "
            f"arena {plan.bytes:,} bytes (no plan can be below {plan.lower_bound:,})"
        )
    say(f"integers of {'TFLite, operator by operator' if tflite else 'docs/numerics.md'}")
    _print_layers(network)
    if network.states:
        _print_states(network)
    if plan is not None:
        print_sketches(costs)


def _has_chain(row: NetworkRow) -> bool:
    """Whether it is known what is around every network."""
    return all(reading.problem is None for reading in row.readings)


def _around(row: NetworkRow) -> dict[str, object]:
    """What the JSON says of a float network and of an integer one alike."""
    notes = [note for graph in row.graphs for note in graph.notes]
    around: dict[str, object] = {"frontend": row.chains[0] if _has_chain(row) else None, "notes": notes}
    if row.graphs[1:]:
        around["row"] = [{"name": graph.name, "frontend": graph.frontend, "sha256": graph.sha256} for graph in row.graphs]
    return around


def _print_layers(network: Network) -> None:
    rows = table(f"Layers, {network.macs:,} MACs a step", "layer", "kind", "what", "MACs")
    for stage in network.stages:
        rows.add_row(*cells(stage.name, type(stage).__name__, stage.title, f"{stage.macs:,}"))
    stderr.print(rows)


def _print_states(network: Network) -> None:
    rows = table("States", "state", "size", "type", "scale")
    for state in network.states:
        rows.add_row(*cells(state.value.name, f"{state.value.size:,}", state.value.dtype, f"{state.value.scale:g}"))
    stderr.print(rows)


def _in_words(graph: Graph) -> dict[str, object]:
    """Operators and states of a graph, as far as no integers are needed for it."""
    operators = [{"name": op.name, "kind": op.label, "shape": list(graph.shapes[op.outputs[0]])} for op in graph.ops]
    states = [{"name": state.input, "shape": list(state.shape)} for state in graph.states]
    ends = {"input": list(graph.shapes[graph.input]), "output": list(graph.shapes[graph.output])}
    return {"name": graph.name, **ends, "operators": operators, "states": states}


def _draw(graph: Graph) -> None:
    shapes = {name: "×".join(map(str, graph.shapes[name])) or "1" for name in graph.shapes}
    rows = table(f"{graph.name}: {shapes[graph.input]} → {shapes[graph.output]}", "operator", "kind", "gives")
    for op in graph.ops:
        rows.add_row(*cells(op.name, op.label, shapes[op.outputs[0]]))
    for state in graph.states:
        rows.add_row(*cells(state.input, "state", "×".join(map(str, state.shape))))
    stderr.print(rows)


def _show(readings: Sequence[ChainReading], json: bool) -> None:
    """Warnings, and unless it goes to a program the chain, and which of its keys nobody gave."""
    from codesign.compiler.frontend.describe import describe

    for reading in readings:
        for warning in reading.warnings:
            say(f"warning: {warning}")
    if json:
        return
    for reading in readings:
        if reading.problem is not None:
            say(f"no chain: {reading.problem.message}; {reading.problem.hint}")
            return
    for line in describe(*(reading.chain for reading in readings)):
        say(line)
    for reading in readings:
        if reading.assumed:
            values = ", ".join(f"{key} = {getattr(reading.chain, key)}" for key in reading.assumed)
            say(f"assumed, for nothing says otherwise: {values}")

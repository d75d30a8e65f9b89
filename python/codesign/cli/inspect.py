# SPDX-License-Identifier: Apache-2.0
"""codesign inspect: what is in a model file, and what it will cost."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from codesign.cli.console import cells, emit_json, say, stderr, table
from codesign.cli.options import ChainFile, Json, Model

if TYPE_CHECKING:
    from codesign.compiler.frontend.read import ChainReading


def command(
    model: Model,
    chain: ChainFile = None,
    result: Annotated[
        str | None, typer.Option("--output", help="The output to keep, where the file has several.", show_default=False)
    ] = None,
    json: Json = False,
) -> None:
    """Show what is around a model's network, its layers, states, memory and multiply-accumulates.

    A chain file alone is shown too.

    Example: codesign inspect models/pruned/pruned.onnx
    """
    from codesign.compiler.lower import lower
    from codesign.compiler.model import load_with_chain, read_chain
    from codesign.compiler.plan import plan_memory

    if model.suffix.lower() == ".toml":
        reading = read_chain(model, chain)
        _show(reading, json)
        if json:
            emit_json("inspect", name=model.stem, frontend=reading.chain)
        return
    graph, reading = load_with_chain(model, chain, result, chainless=True)
    _show(reading, json)
    for note in graph.notes:
        say(note)
    config = None if reading.missing else graph.frontend
    if not graph.quants:
        if json:
            emit_json("inspect", name=graph.name, quantized=False, frontend=config, sha256=graph.sha256, notes=graph.notes)
            return
        around = f" --chain {chain}" if chain else ""
        say(f"{graph.name}: float, {len(graph.ops)} operators; codesign quantize {model}{around} --data FOLDER makes it int8")
        return
    network = lower(graph)
    plan = plan_memory(network) if config is not None else None
    layers = [(layer.name, type(layer).__name__, layer.macs) for layer in network.schedule]
    if json:
        emit_json(
            "inspect",
            name=network.name,
            quantized=True,
            frontend=config,
            sha256=network.sha256,
            licence=network.licence,
            notes=graph.notes,
            macs=network.macs,
            tflite=graph.tflite,
            memory_bytes=plan.bytes if plan is not None else None,
            layers=[{"name": name, "kind": kind, "macs": macs} for name, kind, macs in layers],
            states=[{"name": s.value.name, "size": s.value.size, "dtype": s.value.dtype} for s in network.states],
        )
        return
    if config is None or plan is None:
        say(f"{network.name}: {network.macs:,} MACs a step")
    else:
        say(f"{network.name}: {network.macs:,} MACs a step, {config.sample_rate} Hz, window {config.window}, hop {config.hop}")
        say(
            f"algorithmic latency {config.algorithmic_latency_ms:g} ms, deadline {config.deadline_ms:g} ms a frame, "
            f"arena {plan.bytes:,} bytes (no plan can be below {plan.lower_bound:,})"
        )
    say(f"integers of {'TFLite, operator by operator' if graph.tflite else 'docs/numerics.md'}")
    rows = table("Layers", "layer", "kind", "what", "MACs")
    for layer in network.schedule:
        rows.add_row(*cells(layer.name, type(layer).__name__, layer.title, f"{layer.macs:,}"))
    stderr.print(rows)
    if network.states:
        rows = table("States", "state", "size", "type", "scale")
        for state in network.states:
            rows.add_row(*cells(state.value.name, f"{state.value.size:,}", state.value.dtype, f"{state.value.scale:g}"))
        stderr.print(rows)


def _show(reading: ChainReading, json: bool) -> None:
    """Warnings, and unless it goes to a program the chain, and which of its keys nobody gave."""
    from codesign.compiler.frontend.describe import describe

    for warning in reading.warnings:
        say(f"warning: {warning}")
    if json:
        return
    if reading.missing:
        say(f"no chain: {reading.missing}")
        return
    for line in describe(reading.chain):
        say(line)
    if reading.assumed:
        values = ", ".join(f"{key} = {getattr(reading.chain, key)}" for key in reading.assumed)
        say(f"assumed, for nothing says otherwise: {values}")

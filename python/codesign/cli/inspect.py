# SPDX-License-Identifier: Apache-2.0
"""codesign inspect: what is in a model file, and what it will cost."""

from __future__ import annotations

from codesign.cli.console import cells, emit_json, say, stderr, table
from codesign.cli.options import ChainFile, Json, Model
from codesign.compiler.frontend.describe import describe
from codesign.compiler.frontend.read import ChainReading
from codesign.compiler.lower import lower
from codesign.compiler.model import load_onnx, read_chain
from codesign.compiler.plan import plan_memory

NAME = "inspect"


def command(model: Model, chain: ChainFile = None, json: Json = False) -> None:
    """Show what is around a model's network, its layers, states, memory and multiply-accumulates.

    A chain file alone is shown too.

    Example: codesign inspect models/pruned/pruned.onnx
    """
    reading = read_chain(model, chain)
    for warning in reading.warnings:
        say(f"warning: {warning}")
    if not json:
        _draw(reading)
    if model.suffix.lower() == ".toml":
        if json:
            emit_json("inspect", name=model.stem, frontend=reading.chain)
        return
    graph = load_onnx(model, chain)
    config = graph.frontend
    if not graph.quants:
        if json:
            emit_json("inspect", name=graph.name, quantized=False, frontend=config, sha256=graph.sha256)
            return
        say(f"{graph.name}: float, {len(graph.ops)} operators; codesign quantize {model} --data FOLDER makes it int8")
        return
    network = lower(graph)
    plan = plan_memory(network)
    layers = [(layer.name, type(layer).__name__, layer.macs) for layer in network.schedule]
    if json:
        emit_json(
            "inspect",
            name=network.name,
            quantized=True,
            frontend=config,
            sha256=network.sha256,
            licence=network.licence,
            macs=network.macs,
            memory_bytes=plan.bytes,
            layers=[{"name": name, "kind": kind, "macs": macs} for name, kind, macs in layers],
            states=[{"name": s.value.name, "size": s.value.size, "dtype": s.value.dtype} for s in network.states],
        )
        return
    say(f"{network.name}: {network.macs:,} MACs a step, {config.sample_rate} Hz, window {config.window}, hop {config.hop}")
    say(
        f"algorithmic latency {config.algorithmic_latency_ms:g} ms, deadline {config.hop_ms:g} ms a frame, "
        f"arena {plan.bytes:,} bytes (no plan can be below {plan.lower_bound:,})"
    )
    rows = table("Layers", "layer", "kind", "MACs")
    for name, kind, macs in layers:
        rows.add_row(*cells(name, kind, f"{macs:,}"))
    stderr.print(rows)


def _draw(reading: ChainReading) -> None:
    """The chain, and which of its keys nobody gave."""
    for line in describe(reading.chain):
        say(line)
    if reading.assumed:
        values = ", ".join(f"{key} = {getattr(reading.chain, key)}" for key in reading.assumed)
        say(f"assumed, for nothing says otherwise: {values}")

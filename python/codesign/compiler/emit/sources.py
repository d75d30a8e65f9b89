"""Write a model's C sources and its manifest into a folder, all or nothing."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jinja2

from codesign import __version__
from codesign.base.output_folder import replace_folder
from codesign.compiler.emit.frontend import front_end_file
from codesign.compiler.emit.layers import Context, emit_layer
from codesign.compiler.emit.literals import float_literal
from codesign.compiler.emit.names import macros, model_identifier
from codesign.compiler.lower.network import Lstm, Network, SkipGate, layer_macs
from codesign.compiler.plan import MemoryPlan

MANIFEST_SCHEMA = 1


@dataclass(frozen=True)
class Generated:
    """A folder of generated sources. `identifier` is the model's name in C, the prefix of everything in them."""

    folder: Path
    identifier: str
    sources: tuple[Path, ...]
    manifest: Path

    @property
    def symbol(self) -> str:
        """The C name of the `const cs_model`: never that of a library function, as a model's own name may be."""
        return f"{self.identifier}_model"

    def moved(self, folder: Path) -> Generated:
        """The same after its folder was renamed."""
        sources = tuple(folder / source.name for source in self.sources)
        return Generated(folder, self.identifier, sources, folder / self.manifest.name)


def emit(network: Network, plan: MemoryPlan, folder: Path) -> Generated:
    """Write codesign_model.h, `<model>.h`, `.c`, `_data.h`, `_weights.c`, `_frontend.c` and manifest.json into `folder`.

    An existing folder is replaced when it is complete, and never half-written.

    Raises:
        InputError: a name that is no C identifier, a constant that is not finite, or a folder that cannot be written.
    """
    model = model_identifier(network.name)
    texts = _render(network, plan, model)
    texts["manifest.json"] = _manifest(network, plan, model, texts)
    with replace_folder(folder) as building:
        for name, text in texts.items():
            (building / name).write_text(text, encoding="utf-8")
    sources = tuple(folder / name for name in texts if name.endswith(".c"))
    return Generated(folder, model, sources, folder / "manifest.json")


def _render(network: Network, plan: MemoryPlan, model: str) -> dict[str, str]:
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("codesign.compiler.emit"),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,  # noqa: S701 - C, not HTML; every name passes names.py
    )
    environment.filters["float_literal"] = float_literal
    source = f"model {network.sha256[:12]}" if network.sha256 else "a network built in memory"

    def render(template: str, **values: Any) -> str:
        common = {"id": model, "version": __version__, "source": source, "config": network.frontend, "plan": plan}
        return environment.get_template(template).render(**common, **values)

    macro = macros(plan.buffers)
    context = Context(model, network, plan, macro, render)
    layers = {layer.name: emit_layer(layer, context) for layer in network.schedule}
    weights = [array for code in layers.values() for array in code.arrays]
    values = {"features": network.values[network.input], "mask": network.values[network.output]}
    return {
        f"{model}.h": render("model.h.j2"),
        "codesign_model.h": render("codesign_model.h.j2", sha=network.sha256[:12] or "none", **values),
        f"{model}.c": render(
            "model.c.j2",
            macs=network.macs,
            buffers=_buffer_rows(plan, macro),
            layers=list(layers.values()),
            states=_state_rows(network, macro),
            step=_step_lines(network, context),
            features=macro[network.input],
            mask=macro[network.output],
        ),
        f"{model}_data.h": render("data.h.j2", arrays=weights),
        f"{model}_weights.c": render("weights.c.j2", arrays=weights, kernel=f"cs_kernel_{plan.kernel}"),
        f"{model}_frontend.c": front_end_file(network, plan.front_end, model, render),
    }


def _step_lines(network: Network, context: Context) -> list[str]:
    """The body of step(): one call a layer; layers under a skip gate in a block that runs when it is open."""
    lines: list[str] = []
    updated = "1"
    gates = {gate.layers[0]: gate for gate in network.layers if isinstance(gate, SkipGate)}
    for layer in network.schedule:
        if layer.name in gates:
            gate = gates[layer.name]
            updated = f"updated_{gate.name}"
            lines += [f"const int {updated} = cs_skip_gate_open({context.at(gate.state)});", f"if ({updated}) {{"]
        call = f"{context.model}_{layer.name}(memory);"
        if isinstance(layer, SkipGate):
            logit = f"*{context.at(layer.delta_layer.output)}"
            states = f"{context.at(layer.state)}, {context.at(layer.delta)}"
            lines += [f"    {call}", "}", f"cs_skip_gate_advance({updated}, {logit}, {states});"]
        else:
            guarded = any(layer.name in gate.layers for gate in gates.values())
            lines.append(f"    {call}" if guarded else call)
    return [*lines, f"return {updated};"]


def _buffer_rows(plan: MemoryPlan, macro: dict[str, str]) -> list[dict[str, Any]]:
    rows = []
    for name, buffer in sorted(plan.buffers.items(), key=lambda item: (item[1].offset, item[0])):
        stages = sorted(buffer.stages)
        life = "persistent" if buffer.persistent else f"{plan.stages[stages[0]]} to {plan.stages[stages[-1]]}"
        rows.append({"macro": macro[name], "offset": buffer.offset, "bytes": buffer.bytes, "life": life})
    return rows


def _state_rows(network: Network, macro: dict[str, str]) -> list[dict[str, Any]]:
    return [
        {
            "macro": macro[state.value.name],
            "initial": state.initial,
            "size": state.value.size,
            "bytes": state.value.bytes,
            "ctype": f"{state.value.dtype}_t",
        }
        for state in network.states
    ]


def _manifest(network: Network, plan: MemoryPlan, model: str, texts: dict[str, str]) -> str:
    layers = [
        {
            "name": layer.name,
            "kind": "lstm" if isinstance(layer, Lstm) else type(layer).__name__.lower(),
            "function": f"{model}_{layer.name}",
            "macs": layer_macs(layer),
        }
        for layer in network.schedule
    ]
    buffers = [
        {
            "name": buffer.name,
            "offset": buffer.offset,
            "bytes": buffer.bytes,
            "persistent": buffer.persistent,
            "stages": [plan.stages[stage] for stage in sorted(buffer.stages)],
        }
        for buffer in sorted(plan.buffers.values(), key=lambda b: (b.offset, b.name))
    ]
    document = {
        "schema_version": MANIFEST_SCHEMA,
        "tool": f"codesign {__version__}",
        "model": {"name": network.name, "identifier": model, "sha256": network.sha256, "licence": network.licence},
        "kernel": plan.kernel,
        "front_end": plan.front_end,
        "macs": network.macs,
        "memory": {"bytes": plan.bytes, "lower_bound": plan.lower_bound, "buffers": buffers},
        "layers": layers,
        "files": {name: hashlib.sha256(text.encode()).hexdigest() for name, text in texts.items()},
    }
    return json.dumps(document, indent=2) + "\n"

# SPDX-License-Identifier: Apache-2.0
"""Write a model's C sources and its manifest into a folder, all or nothing."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jinja2

from codesign import __version__
from codesign.base.files.output_folder import replace_folder
from codesign.compiler.emit.capture import capture_stage
from codesign.compiler.emit.chain import filter_function
from codesign.compiler.emit.frontend import front_end_file, tables_type
from codesign.compiler.emit.hot_weights import hot_arrays
from codesign.compiler.emit.names import layer_identifier, macros, model_identifier
from codesign.compiler.emit.output_stage import output_stage
from codesign.compiler.frontend.filter_path import filter_lag
from codesign.compiler.layers import StateValue
from codesign.compiler.layers.code import Array, CodeContext
from codesign.compiler.layers.literals import float_literal
from codesign.compiler.layers.value import reals_of
from codesign.compiler.lower.network import Network
from codesign.compiler.names import check_unique
from codesign.compiler.plan import Buffer, BufferKey, MemoryPlan
from codesign.compiler.plan.memory import running_starts

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
        """The C name of the `const cs_model`."""
        return f"{self.identifier}_model"

    @property
    def strength_function(self) -> str:
        """The C name of what sets the strength, for chains that have one."""
        return f"{self.identifier}_set_strength"

    @property
    def program_function(self) -> str:
        """The C name of what chooses a program, for chains that have several."""
        return f"{self.identifier}_set_program"

    def function(self, layer: str) -> str:
        """The C name of a layer's function, with which the names of its constants begin."""
        return layer_identifier(self.identifier, layer)

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
        loader=jinja2.ChoiceLoader(
            [jinja2.PackageLoader("codesign.compiler.emit"), jinja2.PackageLoader("codesign.compiler.layers")]
        ),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,  # noqa: S701 - C, not HTML; every name passes names.py
    )
    environment.filters["float_literal"] = float_literal
    source = f"model {network.sha256[:12]}" if network.sha256 else "a network built in memory"

    def render(template: str, **values: Any) -> str:
        chain = network.frontend
        common = {"id": model, "version": __version__, "source": source, "config": chain, "plan": plan}
        common |= {"lag": filter_lag(chain), **output_stage(chain), "tables_of": tables_type(plan)}
        common |= {"filter_samples": filter_function(chain, plan.front_end), **capture_stage(chain, model)}
        return environment.get_template(template).render(**common, **values)

    macro = macros(plan.buffers)
    functions = {stage.name: layer_identifier(model, stage.name) for stage in network.stages}
    context = CodeContext(
        values=network.values,
        kernel=plan.kernel,
        functions=functions,
        value_macros={key.name: name for key, name in macro.items() if key.kind == "value"},
        scratch_macros={key.name: name for key, name in macro.items() if key.kind == "scratch"},
        render=render,
    )
    layers = [stage.code(context) for stage in network.stages]
    states = _state_rows(network, context, model) + _running_rows(network, macro, model)
    weights = [array for code in layers for array in code.arrays]
    weights += [state["array"] for state in states if state["array"] is not None]
    check_unique("functions and constants of a model", (*(c.function for c in layers), *(array.name for array in weights)))
    hot = hot_arrays(((stage.macs, code) for stage, code in zip(network.stages, layers, strict=True)), plan.hot_weights)
    values = {"features": network.values[network.input], "mask": network.values[network.output]}
    return {
        f"{model}.h": render("model.h.j2"),
        "codesign_model.h": render("codesign_model.h.j2", sha=network.sha256[:12] or "none", **values),
        f"{model}.c": render(
            "model.c.j2",
            macs=network.macs,
            buffers=_buffer_rows(plan, macro),
            layers=layers,
            states=states,
            step=_step_lines(network, context),
            front_end={key.name: macro[key] for key in plan.buffers if key.kind == "front end"},
            features=context.value_macros[network.input],
            mask=context.value_macros[network.output],
        ),
        f"{model}_data.h": render(
            "data.h.j2", arrays=weights, hand_overs=[functions[hand_over.name] for hand_over in network.hand_overs]
        ),
        f"{model}_weights.c": render("weights.c.j2", arrays=weights, hot=hot, kernel=f"cs_kernel_{plan.kernel}"),
        f"{model}_frontend.c": front_end_file(network, plan, model, render),
    }


def _step_lines(network: Network, context: CodeContext) -> list[str]:
    """The body of step(): one call a layer; layers under a gate in a block that runs when it is open."""
    lines: list[str] = []
    first_guarded = {gate.guards[0]: gate for gate in network.gates}
    guarded = {name for gate in network.gates for name in gate.guards}
    flags = {gate.name: f"updated_{index}" for index, gate in enumerate(network.gates)}
    for layer in network.stages:
        if layer.name in first_guarded:
            gate = first_guarded[layer.name]
            lines += [f"const int {flags[gate.name]} = {gate.open_code(context)};", f"if ({flags[gate.name]}) {{"]
        call = f"{context.functions[layer.name]}(memory);"
        if layer.guards:
            lines += [f"    {call}", "}", layer.advance_code(context, flags[layer.name])]
        else:
            lines.append(f"    {call}" if layer.name in guarded else call)
    return [*lines, f"return {' && '.join(flags.values()) or 1};"]


def _buffer_rows(plan: MemoryPlan, macro: Mapping[BufferKey, str]) -> list[dict[str, Any]]:
    rows = []
    for buffer in _by_offset(plan):
        stages = sorted(buffer.stages)
        life = "persistent" if buffer.persistent else f"{plan.stages[stages[0]]} to {plan.stages[stages[-1]]}"
        rows.append({"macro": macro[buffer.key], "offset": buffer.offset, "bytes": buffer.bytes, "life": life})
    return rows


def _by_offset(plan: MemoryPlan) -> list[Buffer]:
    return sorted(plan.buffers.values(), key=lambda buffer: (buffer.offset, buffer.name, buffer.key))


def _initial_array(model: str, index: int, state: StateValue) -> Array | None:
    """The constants that a state starts from, where they are not one number."""
    real = state.value.dtype == "float32"
    if isinstance(state.initial, int) and (not real or not state.initial):
        return None
    start = reals_of(state.value, state.start) if real else state.start.astype(state.value.dtype)
    return Array.of(f"{model}_state_{index}", start)


def _state_rows(network: Network, context: CodeContext, model: str) -> list[dict[str, Any]]:
    return [
        {
            "macro": context.value_macros[state.value.name],
            "initial": state.initial,
            "array": _initial_array(model, index, state),
            "size": state.value.size,
            "bytes": state.value.bytes,
            "ctype": f"{state.value.dtype}_t",
        }
        for index, state in enumerate(network.states)
    ]


def _running_rows(network: Network, macro: Mapping[BufferKey, str], model: str) -> list[dict[str, Any]]:
    """What running normalizations keep, as states."""
    return [
        {
            "macro": macro[BufferKey("front end", name)],
            "array": Array.of(f"{model}_{name}_start", start),
            "bytes": start.nbytes,
        }
        for name, start in running_starts(network).items()
    ]


def _manifest(network: Network, plan: MemoryPlan, model: str, texts: dict[str, str]) -> str:
    layers = [
        {
            "name": layer.name,
            "kind": layer.kind,
            "function": layer_identifier(model, layer.name),
            "macs": layer.macs,
        }
        for layer in network.stages
    ]
    buffers = [
        {
            "name": buffer.name,
            "of": buffer.key.kind,
            "offset": buffer.offset,
            "bytes": buffer.bytes,
            "persistent": buffer.persistent,
            "stages": [plan.stages[stage] for stage in sorted(buffer.stages)],
        }
        for buffer in _by_offset(plan)
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

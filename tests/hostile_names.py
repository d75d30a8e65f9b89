# SPDX-License-Identifier: Apache-2.0
"""Names that meet something: the C language, the runtime's headers, generated code, what Python gathers by name."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path

import onnx

from codesign.compiler.emit import emit
from codesign.compiler.lower.network import Network
from codesign.compiler.names import C_KEYWORDS, PARTS, STAGES
from codesign.compiler.plan import plan_memory
from codesign.firmware.toolchain.runtime import runtime_include


def words(text: str) -> list[str]:
    return text.split()


MACROS = words(
    "NULL INT8_MAX INT16_MIN INT32_MIN INT32_MAX UINT32_MAX SIZE_MAX EOF EXIT_SUCCESS LAYER __FILE__ __LINE__ offsetof "
    "_Alignas _Static_assert _Bool bool true false errno assert memset memcpy malloc free main printf"
)
HEADERS = words("stdint stddef string stdio limits math float codesign_model codesign enhancer nn dsp dsp_q31 cs soc version")
KEYS = words("history overlap spectrum work features mask bytes memory front end scratch value gates scalar_0 axis_0 x model")
ODD = [
    *words('_ __ 9lives 7 a"b */ // \\ %s a.b a/b a:b - 日本 ÄÖ \ufb01 \u212a \u0130'),
    *("", " ", "a\nb"),
    *(c * 10_000 for c in "xX_日"),
    "x" * 9_999 + "y",
]
SUFFIXES = words(
    "_weights _bias _layer _multiplier _shift _table _input_weights _recurrent_weights _input _model _frontend _requantize "
    "_delta _logit _q15 _q _q_int _h _c _2 _data _hop _MEMORY_BYTES _SAMPLE_RATE .scratch :gates /hidden /cell_q __bias"
)


def pool(network: Network, folder: Path) -> list[str]:
    """All of them, with the twins of those of ours in other capitals; the sources of `network` go to `folder`."""
    generated = emit(network, plan_memory(network), folder / "ordinary")
    files = [*sorted(runtime_include().rglob("*.h")), *sorted(generated.folder.glob("*.[ch]"))]
    found = {
        word for file in files for word in re.findall(r"[A-Za-z_]\w*", re.sub(r"/\*.*?\*/", "", file.read_text(), flags=re.S))
    }
    layers, values = [layer.name for layer in network.schedule], list(network.values)
    derived = [f"{name}{suffix}" for name in (*layers, *values) for suffix in SUFFIXES]
    ours = sorted({*found, *C_KEYWORDS, *MACROS, *HEADERS, *KEYS, *STAGES, *PARTS, *layers, *values})
    twins = [twin for name in ours for twin in (name.upper(), name.lower(), name.title())]
    return list(dict.fromkeys([*ours, *ODD, *derived, *twins]))


def layer_nodes(model: onnx.ModelProto) -> list[str]:
    """Names of the nodes that layers are called after."""
    return [node.name for node in model.graph.node if "/" not in node.name]


def tensors(model: onnx.ModelProto) -> list[str]:
    """Inputs and outputs first, then what is in between."""
    graph = model.graph
    ends = [value.name for value in (*graph.input, *graph.output)]
    return list(dict.fromkeys([*ends, *(name for node in graph.node for name in node.output)]))


def renamed(model: onnx.ModelProto, of_tensors: Mapping[str, str], of_nodes: Mapping[str, str], name: str) -> onnx.ModelProto:
    """The same model with other names, its own among them; a tensor that keeps its name gives it up to one that is given it."""
    result = onnx.ModelProto()
    result.CopyFrom(model)
    graph = result.graph
    wanted = set(of_tensors.values())

    def tensor(old: str) -> str:
        return of_tensors.get(old, f"spare {old}" if old in wanted else old)

    for value in (*graph.input, *graph.output, *graph.initializer):
        value.name = tensor(value.name)
    del graph.value_info[:]
    for node in graph.node:
        node.input[:] = [tensor(old) if old else "" for old in node.input]
        node.output[:] = [tensor(old) if old else "" for old in node.output]
        node.name = of_nodes.get(node.name, node.name)
    for entry in result.metadata_props:
        if entry.key == "states":
            entry.value = json.dumps([[tensor(a), tensor(b), *rest] for a, b, *rest in json.loads(entry.value)])
        elif entry.key == "name":
            entry.value = name
    return result

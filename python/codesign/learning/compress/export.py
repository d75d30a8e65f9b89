# SPDX-License-Identifier: Apache-2.0
"""A checkpoint as the ONNX file of one time step."""

from __future__ import annotations

from pathlib import Path

import onnx

from codesign.base.files.output_file import replace_file
from codesign.compiler.lower import lower
from codesign.compiler.model.graph import Graph
from codesign.compiler.quantize.qdq import write_qdq
from codesign.learning.compress.fake_quantizing import rounded_graph
from codesign.learning.compress.float_onnx import write_float
from codesign.learning.compress.graph import network_graph
from codesign.learning.compress.quantizing import quantized_enhancer
from codesign.learning.families.export import step_graph, step_model
from codesign.learning.families.lstm import LstmSizes
from codesign.learning.train.checkpoint import Checkpoint


def checkpoint_graph(checkpoint: Checkpoint, as_float: bool = False) -> Graph:
    """The averaged network: quantized after the phase "quantize" unless `as_float`, float before it."""
    recipe, sizes = checkpoint.recipe, checkpoint.sizes
    if not isinstance(sizes, LstmSizes):
        return (
            step_graph(checkpoint_model(checkpoint))
            if as_float or checkpoint.phase != "quantize"
            else rounded_graph(checkpoint)
        )
    if checkpoint.phase == "quantize" and not as_float:
        return quantized_enhancer(checkpoint).graph(recipe.name, recipe.licence)
    weights = {name: value.float().numpy() for name, value in checkpoint.network.items()}
    return network_graph(sizes, weights, recipe.config, recipe.name, recipe.licence)


def export(checkpoint: Checkpoint, path: Path, as_float: bool = False) -> Graph:
    """Write the network of a checkpoint; with integers and QuantizeLinear after quantization-aware training, float32 before.

    `as_float` writes the unrounded weights of a quantized network too: what its rounding is judged against.

    Raises:
        InputError: the path cannot be written, or the network cannot be lowered.
    """
    graph = checkpoint_graph(checkpoint, as_float)
    if graph.quants:
        lower(graph)
        write_qdq(graph, path)
    elif isinstance(checkpoint.sizes, LstmSizes):
        write_float(graph, path)
    else:
        with replace_file(path) as temporary:
            temporary.write_bytes(checkpoint_model(checkpoint).SerializeToString())
    return graph


def checkpoint_model(checkpoint: Checkpoint) -> onnx.ModelProto:
    """The float ONNX model of a family that torch exports, with the averaged weights."""
    recipe = checkpoint.recipe
    network = checkpoint.sizes.network(recipe.config)
    network.load_state_dict(checkpoint.network)
    return step_model(network, recipe.config, recipe.name, recipe.licence)

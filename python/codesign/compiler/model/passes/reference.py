# SPDX-License-Identifier: Apache-2.0
"""One operator of constants, computed by onnx's reference operators."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import onnx
from onnx.reference import ReferenceEvaluator

from codesign.compiler.model.file import first_words
from codesign.compiler.model.passes.draft import Array, Draft

FAILURES = (ArithmeticError, LookupError, NotImplementedError, RuntimeError, TypeError, ValueError)
"""What onnx's evaluator ends with where it has not a node, or no such form of it."""


def computed(draft: Draft, node: onnx.NodeProto, given: Mapping[str, Array]) -> list[Array]:
    """What `node` makes of `given`, arrays by the names of its inputs: an array for each output that it names.

    Raises:
        InputError: the operator has no such form.
    """
    kind = onnx.helper.np_dtype_to_tensor_dtype
    inputs = [onnx.helper.make_tensor_value_info(name, kind(array.dtype), array.shape) for name, array in given.items()]
    outputs = [onnx.ValueInfoProto(name=name) for name in node.output if name]
    graph = onnx.helper.make_graph([node], "constant", inputs, outputs)
    model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", draft.opset)])
    try:
        with np.errstate(all="ignore"):
            return [np.asarray(array) for array in ReferenceEvaluator(model).run(None, dict(given))]
    except FAILURES as error:
        raise draft.refuse(node, f"cannot be computed: {first_words(error)}") from error

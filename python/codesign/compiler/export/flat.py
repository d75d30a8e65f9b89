# SPDX-License-Identifier: Apache-2.0
"""A TFLite file under way: tensors with their quantization, constants and operators, packed by the schema's own classes."""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from types import ModuleType
from typing import Any

import numpy as np
import numpy.typing as npt

from codesign.base.errors import ToolError
from codesign.compiler.model.graph import Quant

_TYPES = {np.dtype(np.float32): 0, np.dtype(np.int32): 2, np.dtype(np.int64): 4, np.dtype(np.int16): 7, np.dtype(np.int8): 9}
_SCHEMA_VERSION = 3


class Flat:
    """One graph. Tensors are numbers; shapes have the batch of 1 in front."""

    def __init__(self, name: str) -> None:
        self._schema = _module("ai_edge_litert.schema_py_generated")
        self._flatbuffers = _module("flatbuffers")
        self._model, self._graph = self._schema.ModelT(), self._schema.SubGraphT()
        self._model.version, self._model.description = _SCHEMA_VERSION, name
        self._graph.name, self._graph.tensors, self._graph.operators = name, [], []
        self._model.operatorCodes, self._model.buffers = [], [self._schema.BufferT()]
        self._codes: dict[tuple[int, int], int] = {}

    def tensor(self, name: str, shape: Sequence[int], quant: Quant) -> int:
        """A value."""
        return self._tensor(name, shape, np.dtype(np.int8 if quant.bits == 8 else np.int16), [quant.scale], quant.zero_point)

    def constant(
        self, name: str, array: npt.NDArray[Any], scale: Sequence[float] = (), zero_point: int = 0, axis: int = 0
    ) -> int:
        """The number of a new constant of `array`'s shape and type, with scales along `axis` where there are several."""
        number = self._tensor(name, array.shape, array.dtype, scale, zero_point, axis)
        buffer = self._schema.BufferT()
        buffer.data = np.frombuffer(np.ascontiguousarray(array).tobytes(), np.uint8)
        self._model.buffers.append(buffer)
        self._graph.tensors[number].buffer = len(self._model.buffers) - 1
        return number

    def operator(
        self, kind: str, inputs: Sequence[int], outputs: Sequence[int], version: int, options: str = "", **values: Any
    ) -> None:
        """An operator of a version; `options` is the name of its table without "Options"."""
        number = getattr(self._schema.BuiltinOperator, kind)
        if (number, version) not in self._codes:
            code = self._schema.OperatorCodeT()
            code.builtinCode, code.deprecatedBuiltinCode, code.version = number, min(number, 127), version
            self._codes[number, version] = len(self._model.operatorCodes)
            self._model.operatorCodes.append(code)
        made = self._schema.OperatorT()
        made.opcodeIndex, made.inputs, made.outputs = self._codes[number, version], list(inputs), list(outputs)
        if options:
            made.builtinOptionsType = getattr(self._schema.BuiltinOptions, f"{options}Options")
            made.builtinOptions = getattr(self._schema, f"{options}OptionsT")()
            for key, value in values.items():
                setattr(made.builtinOptions, key, value)
        self._graph.operators.append(made)

    def bytes(self, inputs: Sequence[int], outputs: Sequence[int]) -> bytes:
        """The file."""
        self._graph.inputs, self._graph.outputs = list(inputs), list(outputs)
        self._model.subgraphs = [self._graph]
        builder = self._flatbuffers.Builder(1024)
        builder.Finish(self._model.Pack(builder), b"TFL3")
        return bytes(builder.Output())

    def _tensor(
        self,
        name: str,
        shape: Sequence[int],
        dtype: np.dtype[Any],
        scale: Sequence[float],
        zero_point: int = 0,
        axis: int = 0,
    ) -> int:
        tensor = self._schema.TensorT()
        tensor.name, tensor.shape, tensor.type = name, [int(n) for n in shape], _TYPES[dtype]
        if len(scale):
            tensor.quantization = self._schema.QuantizationParametersT()
            tensor.quantization.scale = np.asarray(scale, np.float32)
            tensor.quantization.zeroPoint = np.full(len(scale), zero_point, np.int64)
            tensor.quantization.quantizedDimension = axis
        self._graph.tensors.append(tensor)
        return len(self._graph.tensors) - 1


def _module(name: str) -> ModuleType:
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise ToolError("writing a TFLite file needs ai-edge-litert", hint="pip install 'codesign[tflite]'") from error

# SPDX-License-Identifier: Apache-2.0
"""TFLite files for tests, written with the schema that comes with ai-edge-litert."""

from __future__ import annotations

from pathlib import Path

import numpy as np

TYPES = {np.dtype(np.float32): 0, np.dtype(np.float16): 1, np.dtype(np.int32): 2, np.dtype(np.int64): 4, np.dtype(np.int16): 7}
TYPES[np.dtype(np.int8)] = 9


class TfliteFile:
    """A graph under way: tensors by number, operators in order."""

    def __init__(self) -> None:
        import ai_edge_litert.schema_py_generated as schema

        self.schema = schema
        self.model = schema.ModelT()
        self.model.version, self.model.description = 3, "test"
        self.graph = schema.SubGraphT()
        self.graph.tensors, self.graph.operators, self.model.operatorCodes = [], [], []
        self.graph.inputs, self.graph.outputs = [], []
        self.model.buffers, self.model.subgraphs = [schema.BufferT()], [self.graph]

    def tensor(self, shape, dtype=np.float32, data=None, scale=None, zero=0, axis=0, variable=False) -> int:
        tensor = self.schema.TensorT()
        tensor.shape, tensor.type = list(shape), TYPES[np.dtype(dtype)]
        tensor.name, tensor.isVariable = f"t{len(self.graph.tensors)}", variable
        if scale is not None:
            tensor.quantization = self.schema.QuantizationParametersT()
            tensor.quantization.scale = np.atleast_1d(np.float32(scale))
            tensor.quantization.zeroPoint = np.full(tensor.quantization.scale.shape, zero, np.int64)
            tensor.quantization.quantizedDimension = axis
        if data is not None:
            buffer = self.schema.BufferT()
            buffer.data = np.frombuffer(np.ascontiguousarray(data).tobytes(), np.uint8)
            self.model.buffers.append(buffer)
            tensor.buffer = len(self.model.buffers) - 1
        self.graph.tensors.append(tensor)
        return len(self.graph.tensors) - 1

    def constant(self, array: np.ndarray, **quantization) -> int:
        return self.tensor(array.shape, array.dtype, array, **quantization)

    def ints(self, *numbers: int) -> int:
        return self.constant(np.array(numbers, np.int32))

    def __call__(self, kind: str, inputs: list[int], *outputs: int, options: str = "", **values) -> int:
        operator, code = self.schema.OperatorT(), self.schema.OperatorCodeT()
        number = getattr(self.schema.BuiltinOperator, kind)
        code.builtinCode, code.deprecatedBuiltinCode, code.version = number, min(number, 127), values.pop("version", 1)
        self.model.operatorCodes.append(code)
        operator.intermediates = values.pop("intermediates", None)
        operator.opcodeIndex, operator.inputs, operator.outputs = len(self.model.operatorCodes) - 1, inputs, list(outputs)
        if options:
            operator.builtinOptions = getattr(self.schema, f"{options}T")()
            operator.builtinOptionsType = getattr(self.schema.BuiltinOptions, options)
            for key, value in values.items():
                setattr(operator.builtinOptions, key, value)
        self.graph.operators.append(operator)
        return outputs[0]

    def data(self, inputs: list[int], outputs: list[int]) -> bytes:
        import flatbuffers

        self.graph.inputs, self.graph.outputs = inputs, outputs
        builder = flatbuffers.Builder(1024)
        builder.Finish(self.model.Pack(builder), b"TFL3")
        return bytes(builder.Output())

    def save(self, path: Path, inputs: list[int], outputs: list[int]) -> Path:
        path.write_bytes(self.data(inputs, outputs))
        return path

# SPDX-License-Identifier: Apache-2.0
"""A TFLite file → a ModelProto in the form that quantized ONNX files have: real values, QuantizeLinear, DequantizeLinear."""

from codesign.compiler.model.tflite.convert import from_tflite, is_tflite

__all__ = ["from_tflite", "is_tflite"]

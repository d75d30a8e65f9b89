# SPDX-License-Identifier: Apache-2.0
"""A quantized graph → a file for another runtime."""

from codesign.compiler.export.tflite import tflite_of

__all__ = ["tflite_of"]

# SPDX-License-Identifier: Apache-2.0
"""quantize: a float model + recordings → the same model in int8."""

from codesign.compiler.quantize.balance import Balanced, balance
from codesign.compiler.quantize.calibrate import quantize_graph
from codesign.compiler.quantize.compare import LayerReport, compare
from codesign.compiler.quantize.file import QuantizeReport, quantize_file
from codesign.compiler.quantize.qdq import write_qdq

__all__ = ["Balanced", "LayerReport", "QuantizeReport", "balance", "compare", "quantize_file", "quantize_graph", "write_qdq"]

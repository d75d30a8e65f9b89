"""quantize: a float model + recordings → the same model in int8."""

from codesign.quantize.balance import Balanced, balance
from codesign.quantize.calibrate import quantize_graph
from codesign.quantize.compare import LayerReport, compare
from codesign.quantize.file import QuantizeReport, quantize_file
from codesign.quantize.qdq import write_qdq

__all__ = ["Balanced", "LayerReport", "QuantizeReport", "balance", "compare", "quantize_file", "quantize_graph", "write_qdq"]

"""quantize: a float model + recordings → the same model in int8."""

from codesign.quantize.calibrate import quantize_graph
from codesign.quantize.file import QuantizeReport, ValueReport, quantize_file
from codesign.quantize.qdq import write_qdq

__all__ = ["QuantizeReport", "ValueReport", "quantize_file", "quantize_graph", "write_qdq"]

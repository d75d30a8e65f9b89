# SPDX-License-Identifier: Apache-2.0
"""layers: one file for each layer of the integer network, with everything that is known of it.

To add one: `_template.py` and docs/add-an-op.md.
"""

from codesign.compiler.layers.conv2d import Conv2d
from codesign.compiler.layers.conv_transpose2d import ConvTranspose2d
from codesign.compiler.layers.fully_connected import FullyConnected
from codesign.compiler.layers.history import History
from codesign.compiler.layers.layer import Layer, Stage
from codesign.compiler.layers.lookup8 import Lookup8
from codesign.compiler.layers.lookup16 import Lookup16
from codesign.compiler.layers.lstm import Lstm
from codesign.compiler.layers.rearrange import Piece, Rearrange
from codesign.compiler.layers.requantize import Requantize
from codesign.compiler.layers.skip_gate import SkipGate
from codesign.compiler.layers.stacked_conv2d import StackedConv2d
from codesign.compiler.layers.value import StateValue, Value

__all__ = [
    "Conv2d",
    "ConvTranspose2d",
    "FullyConnected",
    "History",
    "Layer",
    "Lookup8",
    "Lookup16",
    "Lstm",
    "Piece",
    "Rearrange",
    "Requantize",
    "SkipGate",
    "StackedConv2d",
    "Stage",
    "StateValue",
    "Value",
]

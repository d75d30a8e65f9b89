# SPDX-License-Identifier: Apache-2.0
"""operators: one file for each operator of a graph, with everything that is known of it before it is integers.

To add one: docs/add-an-op.md.
"""

from codesign.compiler.operators.activation import Activation
from codesign.compiler.operators.angle import Angle
from codesign.compiler.operators.binary import Binary
from codesign.compiler.operators.concat import Concat
from codesign.compiler.operators.conv import Conv
from codesign.compiler.operators.conv_transpose import ConvTranspose
from codesign.compiler.operators.float_block import FloatBlock
from codesign.compiler.operators.gather import Gather
from codesign.compiler.operators.layout import Layout
from codesign.compiler.operators.linear import Linear
from codesign.compiler.operators.lstm import LstmCell
from codesign.compiler.operators.magnitude import Magnitude
from codesign.compiler.operators.mean import Mean
from codesign.compiler.operators.normalize import Normalize
from codesign.compiler.operators.operator import Operator
from codesign.compiler.operators.pad import Pad
from codesign.compiler.operators.prelu import Prelu
from codesign.compiler.operators.recurrent import Recurrent
from codesign.compiler.operators.skip_gate import SkipGate
from codesign.compiler.operators.slice import Slice
from codesign.compiler.operators.transpose import Transpose
from codesign.compiler.operators.view import View

__all__ = [
    "Activation",
    "Angle",
    "Binary",
    "Concat",
    "Conv",
    "ConvTranspose",
    "FloatBlock",
    "Gather",
    "Layout",
    "Linear",
    "LstmCell",
    "Magnitude",
    "Mean",
    "Normalize",
    "Operator",
    "Pad",
    "Prelu",
    "Recurrent",
    "SkipGate",
    "Slice",
    "Transpose",
    "View",
]

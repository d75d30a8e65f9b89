# SPDX-License-Identifier: Apache-2.0
"""operators: one file for each operator of a graph, with everything that is known of it before it is integers.

To add one: docs/add-an-op.md.
"""

from codesign.compiler.operators.activation import Activation
from codesign.compiler.operators.binary import Binary
from codesign.compiler.operators.concat import Concat
from codesign.compiler.operators.linear import Linear
from codesign.compiler.operators.lstm import LstmCell
from codesign.compiler.operators.operator import Operator
from codesign.compiler.operators.skip_gate import SkipGate
from codesign.compiler.operators.slice import Slice
from codesign.compiler.operators.view import View

__all__ = ["Activation", "Binary", "Concat", "Linear", "LstmCell", "Operator", "SkipGate", "Slice", "View"]

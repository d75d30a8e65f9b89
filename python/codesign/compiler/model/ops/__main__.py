# SPDX-License-Identifier: Apache-2.0
"""Print docs/operators.md."""

from codesign.compiler.model.operator_page import operator_table

if __name__ == "__main__":
    print(operator_table(), end="")

# SPDX-License-Identifier: Apache-2.0
"""What to do, where more than one refusal of a model file says the same."""

TABLE_HINT = "docs/operators.md lists the supported ones"

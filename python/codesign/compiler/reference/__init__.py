# SPDX-License-Identifier: Apache-2.0
"""reference: Network → bit-exact NumPy step. It is the contract of the arithmetic (docs/numerics.md)."""

from codesign.compiler.reference.network import NetworkState, initial_state, run, step

__all__ = ["NetworkState", "initial_state", "run", "step"]

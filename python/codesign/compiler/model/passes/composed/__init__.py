# SPDX-License-Identifier: Apache-2.0
"""Operators that are several others become these: what a layer computes is in the table, what is made of layers is here.

A file holds operators of one kind; each is a function of the draft and the node that gives the nodes in its place.
"""

from codesign.compiler.model.passes.composed.run import COMPOSED, run

__all__ = ["COMPOSED", "run"]

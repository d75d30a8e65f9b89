# SPDX-License-Identifier: Apache-2.0
"""C of a layer that is one call over all elements."""

from __future__ import annotations

from codesign.compiler.layers.code import Array, CodeContext, LayerCode


def elementwise_code(
    layer: str, source: str, output: str, call: str, context: CodeContext, arrays: tuple[Array, ...] = ()
) -> LayerCode:
    """`call` is a C statement with {x}, {y} and {n} for source, output and their size."""
    prefix = context.functions[layer]
    statement = call.format(x=context.at(source), y=context.at(output), n=context.values[source].size)
    return LayerCode(prefix, arrays, context.render("elementwise.c.j2", prefix=prefix, statement=statement))

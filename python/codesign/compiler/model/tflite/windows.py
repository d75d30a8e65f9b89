# SPDX-License-Identifier: Apache-2.0
"""Operators of TFLite over images: pools, resizing, depth and space. They lie [batch, height, width, channels] there."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from codesign.compiler.model.tflite.convert import Builder

FIRST, LAST = [0, 3, 1, 2], [0, 2, 3, 1]
"""Orders of axes that put the channels first, and last again."""


def same_pads(size: int, kernel: int, stride: int) -> tuple[int, int]:
    """Elements before and after an axis that the padding SAME adds."""
    total = max(0, (-(-size // stride) - 1) * stride + kernel - size)
    return total // 2, total - total // 2


def pool(kind: str) -> Callable[[Builder], None]:
    """MAX_POOL_2D and AVERAGE_POOL_2D; an average is of the elements that are there."""

    def convert(b: Builder) -> None:
        source = _image(b)
        kernel = [b.option("FilterHeight", 1), b.option("FilterWidth", 1)]
        strides = [b.option("StrideH", 1), b.option("StrideW", 1)]
        pads = [(0, 0), (0, 0)]
        if b.option("Padding", 0) == 0:  # SAME
            pads = [same_pads(*sizes) for sizes in zip(source[1:3], kernel, strides, strict=True)]
        given: dict[str, Any] = {"kernel_shape": kernel, "strides": strides}
        given["pads"] = [*(first for first, _ in pads), *(last for _, last in pads)]
        y = b.node(kind, [b.node("Transpose", [b.real(0)], perm=FIRST)], **given)
        b.give(y, activation=b.option("FusedActivationFunction", 0), order=LAST)

    return convert


def resize(b: Builder) -> None:
    """RESIZE_NEAREST_NEIGHBOR and RESIZE_BILINEAR."""
    source, result = _image(b), b.out().shape
    nearest, centres = b.call.kind == "RESIZE_NEAREST_NEIGHBOR", bool(b.option("HalfPixelCenters", False))
    corners = bool(b.option("AlignCorners", False))
    given = {
        "mode": "nearest" if nearest else "linear",
        "coordinate_transformation_mode": "align_corners" if corners else "half_pixel" if centres else "asymmetric",
        "nearest_mode": "round_prefer_ceil" if corners or centres else "floor",
    }
    sizes = b.ints([1, source[3], *result[1:3]])
    x = b.node("Transpose", [b.real(0)], perm=FIRST)
    b.give(b.node("Resize", [x, "", "", sizes], **given), order=LAST)


def depth(kind: str) -> Callable[[Builder], None]:
    """DEPTH_TO_SPACE and SPACE_TO_DEPTH."""

    def convert(b: Builder) -> None:
        _image(b)
        x = b.node("Transpose", [b.real(0)], perm=FIRST)
        b.give(b.node(kind, [x], blocksize=b.option("BlockSize", 1)), order=LAST)

    return convert


def _image(b: Builder) -> tuple[int, ...]:
    """The sizes of what the operator reads."""
    shape = b.tensor(0).shape
    if len(shape) != 4:
        raise b.refuse("needs a value of four dimensions")
    return shape


OPERATORS: dict[str, Callable[[Builder], None]] = {
    "AVERAGE_POOL_2D": pool("AveragePool"),
    "DEPTH_TO_SPACE": depth("DepthToSpace"),
    "MAX_POOL_2D": pool("MaxPool"),
    "RESIZE_BILINEAR": resize,
    "RESIZE_NEAREST_NEIGHBOR": resize,
    "SPACE_TO_DEPTH": depth("SpaceToDepth"),
}

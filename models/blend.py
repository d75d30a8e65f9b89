# SPDX-License-Identifier: Apache-2.0
"""Weights between those of two networks of the same shape: python models/blend.py A.onnx B.onnx SHARE_OF_B OUT.onnx

Two networks of which one was trained on from the other lie in one valley of the loss, and a network between them can be better
than either (Wortsman et al., "Model soups", ICML 2022).
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import onnx
from onnx import numpy_helper


def blend(first: onnx.ModelProto, second: onnx.ModelProto, share: float) -> onnx.ModelProto:
    """`first` with (1 − share) of its float weights and `share` of those of the same names in `second`.

    Raises:
        ValueError: a float weight of `first` is not in `second`, or has another shape there.
    """
    other = {tensor.name: numpy_helper.to_array(tensor) for tensor in second.graph.initializer}
    blended = onnx.ModelProto()
    blended.CopyFrom(first)
    for tensor in blended.graph.initializer:
        weights = numpy_helper.to_array(tensor)
        if weights.dtype == np.float32:
            if tensor.name not in other or other[tensor.name].shape != weights.shape:
                raise ValueError(f"the second network has no {tensor.name} of shape {weights.shape}")
            mixed = (1 - share) * weights + share * other[tensor.name]
            tensor.CopyFrom(numpy_helper.from_array(mixed.astype(np.float32), tensor.name))
    return blended


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("first", type=Path)
    parser.add_argument("second", type=Path)
    parser.add_argument("share", type=float, help="of the second one's weights, 0 to 1")
    parser.add_argument("output", type=Path)
    arguments = parser.parse_args()
    onnx.save(blend(onnx.load(arguments.first), onnx.load(arguments.second), arguments.share), arguments.output)


if __name__ == "__main__":
    main()

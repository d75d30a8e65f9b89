# SPDX-License-Identifier: Apache-2.0
"""What is spoiled: the shipped models, and small ones in every form."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx

from codesign.base.resources import resource
from codesign.compiler.model import load_onnx
from codesign.compiler.quantize import quantize_graph, write_qdq


def seed_models(folder: Path) -> list[tuple[str, bytes, float]]:
    """(name, file, how often it is taken) of every model; small ones are made in `folder`."""
    models = []
    for path in sorted(resource("models").glob("*/*.onnx")):
        weight = 0.2 if path.stem.endswith("float") else 2.0  # large, and never lowered
        models.append((path.stem, path.read_bytes(), weight))
    for skip in (False, True):
        path = folder / f"small{int(skip)}.onnx"
        if not path.exists():
            _small(skip, path)
        models.append((path.stem, path.read_bytes(), 1.5))
    return models


def _small(skip: bool, path: Path) -> None:
    from models import float_network  # beside the folder fuzz

    source = path.with_suffix(".float.onnx")
    onnx.save(float_network(form="stacked", skip=skip, gain=2.0).model(name="small"), source)
    features = np.random.default_rng(2).uniform(0, 3, (200, 12)).astype(np.float32)
    write_qdq(quantize_graph(load_onnx(source), [features]), path)

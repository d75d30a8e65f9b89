# SPDX-License-Identifier: Apache-2.0
"""A folder for somebody else's Zephyr application: the network, the library and the audio pipeline, without a main."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from codesign.base.files.output_folder import replace_folder
from codesign.base.resources import resource
from codesign.compiler.emit import Generated, emit
from codesign.compiler.lower.network import Network
from codesign.compiler.plan import MemoryPlan
from codesign.firmware.toolchain.zephyr_folder import MODEL

_PARTS = ("app", "runtime", "zephyr")
_OURS = ("main.c", "samples", "sample.yaml", "tests.yaml", "west*", "__pycache__")
"""What is the application's own, its tests' or west's."""


def write_pipeline(network: Network, plan: MemoryPlan, folder: Path) -> Generated:
    """Write `folder`, a Zephyr module with all that CMake's codesign_model() and codesign_pipeline() need.

    An existing folder is replaced when it is complete, and never half-written.

    Raises:
        InputError: as `emit` does.
    """
    with replace_folder(folder) as building:
        for part in _PARTS:
            shutil.copytree(resource(part), building / part, ignore=shutil.ignore_patterns(*_OURS))
        generated = emit(network, plan, building / MODEL)
        document = json.loads(generated.manifest.read_text(encoding="utf-8"))
        document.pop("contents", None)  # of the model's folder
        (building / generated.manifest.name).write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")
    return generated.moved(folder / MODEL)

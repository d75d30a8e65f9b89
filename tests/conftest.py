# SPDX-License-Identifier: Apache-2.0
"""Being here, this file puts tests/ on the path: helpers such as integer_layers serve all test folders.

CODESIGN_REQUIRE names markers (zephyr,qemu): a test with one of them may not be skipped, as CI with all tools wants it, but for
what the workspace's release of Zephyr cannot have.
"""

from __future__ import annotations

import os

import numpy as np
import onnx
import pytest

from codesign.compiler.model import load_onnx
from codesign.compiler.quantize import quantize_graph, write_qdq
from codesign.firmware.boards import load_board
from codesign.pipeline import prove
from codesign.proof.recordings import Recording
from evidence import HOSTILE, tones
from models import float_network
from zephyr_tools import OF_RELEASE

REQUIRED = tuple(filter(None, os.environ.get("CODESIGN_REQUIRE", "").split(",")))


def pytest_addoption(parser):
    parser.addoption("--long", action="store_true", help="run the tests marked long, too")


def pytest_collection_modifyitems(config, items):
    """Tests marked long are left out, not skipped, unless they are asked for."""
    left_out = [] if config.getoption("--long") else [item for item in items if item.get_closest_marker("long")]
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item not in left_out]


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    report = yield
    required = any(item.get_closest_marker(name) for name in REQUIRED) and OF_RELEASE not in str(report.longrepr)
    if report.skipped and not hasattr(report, "wasxfail") and required:
        report.outcome = "failed"
        report.longrepr = f"skipped, but CODESIGN_REQUIRE wants it: {report.longrepr}"
    return report


@pytest.fixture(scope="session")
def small_model(tmp_path_factory):
    """A small int8 network with a skip gate, as a file."""
    folder = tmp_path_factory.mktemp("small")
    onnx.save(float_network(form="stacked", skip=True, gain=2.0).model(name="small"), folder / "float.onnx")
    features = np.random.default_rng(2).uniform(0, 3, (200, 12)).astype(np.float32)
    write_qdq(quantize_graph(load_onnx(folder / "float.onnx"), [features]), folder / "small.onnx")
    return folder / "small.onnx"


@pytest.fixture(scope="session")
def small_proof(small_model, tmp_path_factory):
    """(recordings, proof) of the small network: one recording with its clean signal, one without and with a hostile name."""
    clean, noisy = tones(3)
    recordings = [Recording("tones.wav", noisy, clean), Recording(f"{HOSTILE}.wav", tones(2, seed=1)[1])]
    return recordings, prove(small_model, load_board("nrf5340dk"), tmp_path_factory.mktemp("proof"), recordings, seconds=20)

"""Being here, this file puts tests/ on the path: helpers such as integer_layers serve all test folders."""

import numpy as np
import onnx
import pytest

from codesign.boards import load_board
from codesign.load import load_onnx
from codesign.quantize import quantize_graph, write_qdq
from codesign.verify.prove import Recording, prove
from evidence import HOSTILE, tones
from models import float_network


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

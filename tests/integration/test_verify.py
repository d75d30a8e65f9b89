# SPDX-License-Identifier: Apache-2.0
"""The proof itself: it holds for a sound image, and does not for one that is wrong in a single byte."""

from dataclasses import replace

import numpy as np
import onnx
import pytest
from test_cli import codesign

from codesign.cli.tables import print_answer
from codesign.compiler.frontend import whole_hops
from codesign.compiler.lower import lower
from codesign.compiler.model import load_onnx
from codesign.compiler.quantize import quantize_graph, write_qdq
from codesign.firmware.boards import load_board
from codesign.firmware.machines import MACHINES
from codesign.firmware.toolchain import build_bare, build_host
from codesign.pipeline import prove
from codesign.proof.equality import equal
from codesign.proof.recordings import Recording
from codesign.proof.signals import proof_signal
from json_documents import document as checked
from models import float_network


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    """A small int8 network with a skip gate, as a file."""
    folder = tmp_path_factory.mktemp("model")
    onnx.save(float_network(form="stacked", skip=True, gain=2.0).model(name="small"), folder / "float.onnx")
    features = np.random.default_rng(2).uniform(0, 3, (200, 12)).astype(np.float32)
    write_qdq(quantize_graph(load_onnx(folder / "float.onnx"), [features]), folder / "small.onnx")
    return folder / "small.onnx"


def test_a_sound_model_is_proven(model, tmp_path):
    rng = np.random.default_rng(0)
    clean = (8000 * np.sin(np.arange(32000) / 9)).astype(np.int16)
    noisy = (clean + rng.standard_normal(32000) * 2000).astype(np.int16)
    board = load_board("nrf5340dk")
    proof = prove(model, board, tmp_path, [Recording("sine", noisy, clean)], seconds=20)
    verdict = proof.verdict
    assert verdict.ok, [check for check in verdict.checks if not check.ok]
    assert verdict.seconds_of_audio >= 20
    assert [len(output) for output in proof.enhanced] == [noisy.size]
    assert verdict.quality[0].si_sdr_noisy == pytest.approx(9, abs=1)
    latency = verdict.latency
    assert latency.worst_instructions >= latency.mean_instructions > 0
    assert latency.worst_ms == pytest.approx(1000 * latency.worst_cycles / 128e6)
    assert latency.worst_cycles > latency.worst_instructions
    assert sum(stage.instructions for stage in verdict.stages) == pytest.approx(latency.worst_instructions, rel=0.05)
    skipped = proof.run.skipped
    assert 0 < skipped.sum() < skipped.size
    assert sum(group.flash for group in verdict.groups) == verdict.footprint.flash


def test_what_was_beyond_the_range_is_told(small_proof, capsys):
    _, proof = small_proof
    proof_signal_, tones, _ = proof.verdict.saturation
    assert (proof_signal_.signal, tones.signal) == ("proof signal", "tones.wav")
    assert proof_signal_.mask == proof.reference.mask.size
    assert tones.features == tones.mask == proof.recording_runs[0].mask.size
    loud = replace(tones, features_beyond=tones.features // 2, features_peak=3.0)
    print_answer(replace(proof.verdict, saturation=(proof_signal_, loud)))
    assert "tones.wav: 50 % of the features (the largest 3 times it)" in capsys.readouterr().err
    print_answer(replace(proof.verdict, saturation=(proof_signal_, loud, loud)))
    assert "2 recordings: 50 % of the features" in capsys.readouterr().err


def test_one_wrong_byte_is_noticed(model, tmp_path):
    network, board = lower(load_onnx(model)), load_board("nrf5340dk")
    image = build_bare(network, board, tmp_path / "bare")
    pcm = whole_hops(proof_signal([], 16000, 1.0)[:200000:4], network.frontend.hop)
    expected = MACHINES["host"].run(build_host(network, tmp_path / "host"), pcm)
    assert equal(MACHINES["unicorn"].run(image, pcm), expected).ok
    data = bytearray(image.path.read_bytes())
    weights = network.layers[-1] if hasattr(network.layers[-1], "weights") else network.layers[-2]
    packed = image.generated.folder / f"{image.generated.identifier}_weights.c"
    assert weights.name in packed.read_text()
    bias = weights.bias.astype("<i4").tobytes()
    assert data.count(bias) == 1
    data[data.find(bias) + 1] ^= 0x40
    image.path.write_bytes(data)
    check = equal(MACHINES["unicorn"].run(image, pcm), expected)
    assert not check.ok
    assert "values differ, first at" in check.detail


def test_verify_command(model, tmp_path):
    done = codesign("verify", model, "--seconds", "20", "--json", "-o", tmp_path / "kept")
    assert done.returncode == 0, done.stderr
    document = checked(done.stdout)
    assert document["ok"] is True
    assert {check["ok"] for check in document["verdict"]["checks"]} == {True}
    assert (tmp_path / "kept" / "bare" / "firmware.elf").exists()


def test_verify_fails_on_a_board_that_is_too_slow_and_too_late(model, tmp_path):
    from test_cli import smaller_board

    slow, late = (r"^clock_hz = \w+", "clock_hz = 100000"), (r"^worst_frame_ms = .*", "worst_frame_ms = 10.0\ndelay_ms = 1.5")
    done = codesign("verify", model, "--board", smaller_board(tmp_path, slow, late), "--seconds", "20")
    assert done.returncode == 1
    assert "NOT PROVEN: worst frame, total delay" in done.stderr


def test_recordings_that_do_not_fit_together(model, tmp_path):
    import soundfile

    for name, samples in (("a.wav", 16000), ("b.wav", 15000)):
        soundfile.write(tmp_path / name, np.ones(samples, np.int16), 16000)
    done = codesign("verify", model, "--audio", tmp_path / "a.wav", "--clean", tmp_path / "b.wav")
    assert done.returncode == 2
    assert "16000" in done.stderr
    done = codesign("verify", model, "--clean", tmp_path / "b.wav")
    assert done.returncode == 2

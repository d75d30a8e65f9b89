# SPDX-License-Identifier: Apache-2.0
"""Microphones and rates around a network: host library, bare image and reference have the same bits; what commands take."""

from __future__ import annotations

import ctypes

import numpy as np
import pytest
import soundfile
from test_cli import assert_one_line_error, codesign

from codesign.base.audio import read_audio
from codesign.base.errors import InputError
from codesign.base.resources import resource
from codesign.compiler.frontend.capture import to_microphones
from codesign.compiler.load import load_model
from codesign.compiler.reference.capture import captured, raised
from codesign.firmware.boards import load_board
from codesign.firmware.machines import MACHINES
from codesign.firmware.machines.host import HostEnhancer
from codesign.firmware.toolchain import build_host
from codesign.proof.delay import lag_of
from codesign.proof.equality import equal, run_reference, same_in_one_call

MODEL = resource("models", "low-latency", "low-latency.onnx")
CHAINS = {
    "twice": "[chain]\nresample = 2\n",
    "cardioid": '[chain]\n[beamformer]\nkind = "differential"\nspacing = 12\n',
    "everything": (
        '[chain]\nresample = 3\npath = "filter"\nstrength = 80\nlimiter = -6\n'
        '[[program]]\nname = "quiet"\nlimiter = -12\n[beamformer]\nkind = "delay_and_sum"\nspacing = 14\n'
    ),
}


@pytest.fixture(scope="module", params=CHAINS)
def model(request, tmp_path_factory):
    file = tmp_path_factory.mktemp(request.param) / "chain.toml"
    file.write_text(CHAINS[request.param])
    return load_model(MODEL, file)


def sound(ends, hops: int) -> np.ndarray:
    """Full scale, then faint; in each channel another."""
    pcm = np.random.default_rng(3).integers(-32768, 32768, ends.hop * hops).astype(np.int16)
    pcm[pcm.size // 2 :] //= 64
    return pcm


def test_every_bit_is_that_of_the_reference(model, tmp_path):
    pcm = sound(model.network.frontend.ends, 40)
    image = build_host(model.network, tmp_path / "host")
    host = MACHINES["host"].run(image, pcm)
    assert (check := equal(host, run_reference(model.network, pcm))).ok, check.detail
    assert same_in_one_call(image, pcm, host).ok


def test_two_threads_give_the_bits_of_one(tmp_path):
    """Blocks of any size, and the network given what the blocks heard: nothing of the capture is computed twice."""
    (tmp_path / "chain.toml").write_text(CHAINS["everything"])
    network = load_model(MODEL, tmp_path / "chain.toml").network
    chain, image = network.frontend, build_host(network, tmp_path / "host")
    ends, pcm = chain.ends, sound(chain.ends, 40)
    enhancer, library = HostEnhancer(image), ctypes.CDLL(str(image.path))
    play, update = (getattr(library, f"{image.generated.identifier}_{name}") for name in ("play", "update"))
    memory, heard = ctypes.c_void_p(enhancer.memory.ctypes.data), np.empty(chain.hop, np.int16)
    sizes, played, hops = (8, 3, 16, 5, 20, 4, 8), [], []
    assert sum(sizes) == chain.hop
    for hop in pcm.reshape(-1, chain.hop, chain.resample * ends.channels):
        at = 0
        for size in sizes:
            block, out, part = np.ascontiguousarray(hop[at : at + size]), np.empty((size, hop.shape[1]), np.int16), heard[at:]
            play(memory, *(ctypes.c_void_p(a.ctypes.data) for a in (block, out, part)), size * chain.resample)
            played.append(out.reshape(-1))
            at += size
        hops.append(heard.copy())
        assert update(memory, ctypes.c_void_p(heard.ctypes.data)) == 1
    assert np.array_equal(np.concatenate(hops), captured(chain, pcm))
    assert np.array_equal(np.concatenate(played), run_reference(network, pcm).pcm)


def test_the_bare_image_has_the_same_bits(model, tmp_path):
    pytest.importorskip("unicorn")
    board, pcm = load_board("nrf5340dk"), sound(model.network.frontend.ends, 12)
    machine = MACHINES["unicorn"]
    run = machine.run(machine.build(model.network, board, tmp_path / "bare"), pcm)
    assert (check := equal(run, run_reference(model.network, pcm))).ok, check.detail


def test_the_delay_is_what_the_chain_says(model):
    """Of noise from the front, on its way in and out again without the network between."""
    chain = model.network.frontend
    ends = chain.ends
    added = ends.latency - chain.latency_samples * chain.resample
    assert added == 7 * (chain.beamformer is not None) + 23 * chain.resample * (chain.resample > 1)
    noise = (np.random.default_rng(5).standard_normal(ends.frames * 400) * 4000).astype(np.int16)
    out = raised(chain, captured(chain, to_microphones(chain, noise)))
    assert lag_of(noise, out, 4 * added, 0.84 / chain.resample if chain.resample > 1 else 1.0) == added


def test_a_stereo_file_becomes_one_signal_of_its_rate(tmp_path):
    chain, noisy, out = tmp_path / "chain.toml", tmp_path / "two.wav", tmp_path / "out.wav"
    chain.write_text(CHAINS["cardioid"].replace("[chain]", "[chain]\nresample = 3"))
    frames = np.random.default_rng(1).integers(-9000, 9000, (20001, 2)).astype(np.int16)
    soundfile.write(noisy, frames, 48000)
    assert codesign("run", str(MODEL), str(noisy), "-o", str(out), "--chain", str(chain), "--emulator", "host").returncode == 0
    enhanced = read_audio(out, 48000)
    assert (enhanced.channels, enhanced.source_rate, enhanced.pcm.size) == (1, 48000, 20001)


def test_one_microphone_is_refused_where_two_are_needed(tmp_path):
    chain, noisy, out = tmp_path / "chain.toml", tmp_path / "one.wav", tmp_path / "out.wav"
    chain.write_text(CHAINS["cardioid"])
    soundfile.write(noisy, np.zeros(3200, np.int16), 16000)
    done = codesign("run", str(MODEL), str(noisy), "-o", str(out), "--chain", str(chain), "--emulator", "host")
    assert_one_line_error(done, 2, "has 1 channel, the chain's beamformer takes 2")
    assert not out.exists()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('[chain]\n[beamformer]\nkind = "differential"\n', "beamformer has no spacing"),
        ('[chain]\n[beamformer]\nkind = "differential"\nspacing = "wide"\n', "spacing holds 'wide', no number"),
        ('[chain]\n[beamformer]\nkind = "differential"\nspacing = 10\nnul = 90\n', "nul means nothing, did you mean null?"),
        ("[chain]\nresample = 2.5\n", "resample is '2.5', no whole number"),
    ],
)
def test_mistakes_in_a_chain_file_are_named(tmp_path, text, message):
    file = tmp_path / "chain.toml"
    file.write_text(text)
    with pytest.raises(InputError) as found:
        load_model(MODEL, file)
    assert message in found.value.message

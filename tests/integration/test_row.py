# SPDX-License-Identifier: Apache-2.0
"""Networks in a row: one application, one plan, every bit the same in NumPy, on the host and on the emulated core."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper
from test_cli import codesign
from test_published_networks import snr_db

import codesign as api
from chains import compression
from codesign.base.audio import write_audio
from codesign.base.errors import InputError
from codesign.cli.evaluate_systems import compared_systems
from codesign.compiler.load import load_model
from codesign.compiler.lower.row import lower_row
from codesign.compiler.model import load_row
from codesign.compiler.plan import plan_memory
from codesign.compiler.quantize import quantize_graph
from codesign.compiler.reference.frontend import analyse, handed_over, synthesise
from codesign.firmware.boards import load_board
from codesign.firmware.machines import MACHINES
from codesign.firmware.toolchain import build_host
from codesign.hearing.evaluate import Pairs, model_system
from codesign.pipeline import prove
from codesign.proof.equality import equal, run_reference, same_in_one_call
from json_documents import document as checked

HOP, N_FFT = 128, 256


def dense(features: int, outputs: int, seed: int, end: str = "Tanh") -> onnx.ModelProto:
    """A recurrent layer and a linear one, with the same names whatever the sizes."""
    rng, units = np.random.default_rng(seed), 6
    arrays = {
        "w": rng.normal(0, 1 / np.sqrt(features), (units, features)),
        "r": rng.normal(0, 0.2, (units, units)),
        "v": rng.normal(0, 0.5, (outputs, units)),
        "b": rng.normal(0, 0.2, outputs),
    }
    nodes = [
        helper.make_node("Gemm", ["features", "w"], ["from_features"], name="input", transB=1),
        helper.make_node("Gemm", ["h_in", "r"], ["from_state"], name="state", transB=1),
        helper.make_node("Add", ["from_features", "from_state"], ["sum"], name="sum"),
        helper.make_node("Tanh", ["sum"], ["h_out"], name="hidden"),
        helper.make_node("Gemm", ["h_out", "v", "b"], ["line"], name="line", transB=1),
        helper.make_node(end, ["line"], ["mask"], name="end"),
    ]
    tensors = [numpy_helper.from_array(array.astype(np.float32), name) for name, array in arrays.items()]
    sizes = {"features": features, "h_in": units, "mask": outputs, "h_out": units}
    infos = {name: helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, size]) for name, size in sizes.items()}
    ins, outs = [infos["features"], infos["h_in"]], [infos["mask"], infos["h_out"]]
    model = helper.make_model(helper.make_graph(nodes, "g", ins, outs, tensors), opset_imports=[helper.make_opsetid("", 17)])
    model.ir_version = 8
    return model


FRAMES = f'sample_rate = 16000\nn_fft = {N_FFT}\nwindow = {N_FFT}\nhop = {HOP}\nwindow_kind = "rectangular"\n'
DTLN_LIKE = f"""
name = "pair"

[[stage]]
model = "first.onnx"
{FRAMES}feature = "magnitude"
output = "gains"

[[stage]]
model = "second.onnx"
feature = "frame"
output = "frame"
synthesis_kind = "sum"
"""


def noise(seconds: float = 1.2) -> np.ndarray:
    rng, n = np.random.default_rng(5), int(seconds * 16000) // 128 * 128
    envelope = 0.02 + np.maximum(0, np.sin(np.arange(n) / 900.0))
    return np.rint(rng.normal(0, 5000, n) * envelope).clip(-32768, 32767).astype(np.int16)


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """Float models, int16 ones that `quantize` made of them, and their TOML files."""
    where = tmp_path_factory.mktemp("row")
    onnx.save(dense(129, 129, 1, "Sigmoid"), where / "first.onnx")
    onnx.save(dense(N_FFT, N_FFT, 2), where / "second.onnx")
    (where / "pair.toml").write_text(DTLN_LIKE, encoding="utf-8")
    (where / "sound").mkdir()
    write_audio(where / "sound" / "noise.wav", noise(), 16000)
    report = api.quantize(where / "pair.toml", where / "sound", where / "int16.toml", activations="int16")
    names = [layer.name for layer in report.layers]
    assert names[0].startswith("first: ")
    assert names[-1].startswith("second: ")
    assert report.saturation.mask_beyond == report.saturation.features_beyond == 0
    return where


@pytest.fixture(scope="module")
def proof(folder, tmp_path_factory):
    loaded = load_model(folder / "int16.toml")
    return prove(loaded, load_board("nrf5340dk"), tmp_path_factory.mktemp("proof"), seconds=1)


def test_a_row_is_proven(proof):
    verdict = proof.verdict
    assert verdict.ok, [check for check in verdict.checks if not check.ok]
    names = [check.name for check in verdict.checks]
    assert {"first: layers against onnxruntime", "second: layers against onnxruntime"} <= set(names)
    stages = [stage.name for stage in verdict.stages]
    between = stages.index("first_to_second")
    assert stages[between - 1].startswith("first_")
    assert stages[between + 1].startswith("second_")
    assert verdict.stages[between].instructions > 1000
    assert "first_to_second" in {group.label for group in verdict.groups}
    assert np.unique(proof.run.pcm).size > 100


def test_names_of_two_networks_do_not_clash_and_share_memory(folder):
    network = load_model(folder / "int16.toml").network
    assert network.name == "pair"
    assert [part.name for part in network.parts] == ["first", "second"]
    assert {layer.name.split("_")[0] for layer in network.layers} == {"first", "second"}
    plan = plan_memory(network)
    alone = [plan_memory(part) for part in network.parts]
    persistent = sum(b.bytes for b in plan.buffers.values() if b.persistent)
    both = sum(b.bytes for each in alone for b in each.buffers.values() if b.persistent) - 6 * (N_FFT - HOP)
    assert persistent == both, "history and overlap are there once"
    assert plan.bytes == plan.lower_bound
    assert plan.bytes < max(each.bytes for each in alone) + 64


def test_the_float_networks_alone_give_the_same_sound(folder):
    """onnxruntime and the frames of the chain, by hand: no overlap-add between the two."""
    pcm = noise()
    frames = np.lib.stride_tricks.sliding_window_view(np.concatenate([np.zeros(N_FFT - HOP), pcm / 32768.0]), N_FFT)[::HOP]
    sessions = [onnxruntime.InferenceSession(folder / f"{name}.onnx") for name in ("first", "second")]
    states, expected = [np.zeros((1, 6), np.float32)] * 2, np.zeros(pcm.size + N_FFT)
    for t, frame in enumerate(frames):
        spectrum = np.fft.rfft(frame)
        gains, states[0] = sessions[0].run(None, {"features": np.abs(spectrum)[None].astype("f4"), "h_in": states[0]})
        given = np.fft.irfft(spectrum * gains[0]).astype(np.float32)
        made, states[1] = sessions[1].run(None, {"features": given[None], "h_in": states[1]})
        expected[HOP * t : HOP * t + N_FFT] += made[0]
    found = api.run(folder / "int16.toml", pcm, folder=None).samples[: pcm.size - N_FFT] / 32768.0
    # The output lags by window - hop, and run() takes that away.
    assert snr_db(np.clip(expected[N_FFT - HOP :], -1, 1)[: found.size], found) > 18


PAIRS = {
    "spectrum, then a mask on what came of it": (
        ({"window": 48, "feature": "spectrum", "output": "spectrum"}, (66, 66)),
        ({"window": 48, "feature": "spectrum", "output": "mask", "layout": "planes", "mean": [0.1]}, (66, 66)),
    ),
    "frame to frame, then gains": (
        ({"window": 48, "feature": "frame", "output": "frame"}, (48, 48)),
        ({"window": 48, "feature": "erb_magnitude", "n_mels": 7, "output": "gains"}, (7, 7)),
    ),
    "gains and gains as one filter": (
        ({"window": 64, "feature": "mel_power", "n_mels": 9, "output": "gains", "path": "filter", "taps": 24}, (9, 9)),
        ({"feature": "magnitude", "output": "gains"}, (33, 33)),
    ),
    "gains and gains as one int16 filter, mixed and compressed": (
        (
            {"window": 64, "feature": "erb_magnitude", "n_mels": 7, "output": "gains", "gain_min": 0.1, "path": "filter"}
            | {"taps": 16, "filter_type": "int16", "block": 4, "attenuation_limit": 12, "limiter": -6}
            | {"compressor": compression()},
            (7, 7),
        ),
        ({"feature": "frame", "output": "gains", "gains": "bins"}, (64, 33)),
    ),
    "gains, then a mask, mixed with the input and compressed after it": (
        ({"window": 64, "feature": "magnitude", "strength": 60, "compressor": compression(meter="after")}, (33, 33)),
        ({"feature": "spectrum", "output": "mask"}, (66, 66)),
    ),
    "gains and gains as one filter, mixed and compressed after it": (
        (
            {"window": 64, "feature": "magnitude", "path": "filter", "taps": 16, "strength": 60}
            | {"compressor": compression(meter="after")},
            (33, 33),
        ),
        ({"feature": "magnitude"}, (33, 33)),
    ),
    "gains, then a frame that gets gains": (
        ({"window": 48, "feature": "mel_power", "n_mels": 9, "output": "gains"}, (9, 9)),
        ({"window": 48, "feature": "frame", "output": "gains", "gains": "bins"}, (48, 33)),
    ),
}


def _toml(value: object) -> str:
    return f"'{json.dumps(value)}'" if isinstance(value, dict) else json.dumps(value)


@pytest.mark.parametrize("name", PAIRS)
def test_what_one_network_gives_the_next_takes(name, tmp_path):
    stages = []
    for number, (keys, sizes) in enumerate(PAIRS[name]):
        onnx.save(dense(*sizes, seed=number), tmp_path / f"m{number}.onnx")
        lines = "\n".join(f"{key} = {_toml(value)}" for key, value in keys.items())
        stages.append(f'[[stage]]\nmodel = "m{number}.onnx"\nn_fft = 64\nhop = 16\n{lines}\n')
    (tmp_path / "row.toml").write_text("\n".join(stages), encoding="utf-8")
    row, pcm, graphs = load_row(tmp_path / "row.toml"), noise(0.3), []
    analysis = analyse(row.chains[0], pcm)
    for number, (graph, types) in enumerate(zip(row.graphs, ("int8", "int16"), strict=True)):
        graphs.append(quantize_graph(graph, [analysis.features], types))
        if number == 0:
            outputs = np.random.default_rng(0).normal(0, 0.5, (len(analysis.features), row.chains[0].n_outputs))
            analysis = handed_over(*row.chains, analysis.spectrum, outputs.astype(np.float32))
    network = lower_row(graphs)
    image = build_host(network, tmp_path / "host")
    host = MACHINES["host"].run(image, pcm)
    for check in (equal(host, run_reference(network, pcm)), same_in_one_call(image, pcm, host)):
        assert check.ok, check.detail
    assert np.unique(host.pcm).size > 10, "constant outputs prove nothing"


def test_the_commands_take_a_row(folder, tmp_path):
    shown = codesign("inspect", folder / "pair.toml", "--json", cwd=tmp_path)
    assert shown.returncode == 0, shown.stderr
    assert [each["name"] for each in checked(shown.stdout)["row"]] == ["first", "second"]
    made = codesign("generate", folder / "int16.toml", "-o", tmp_path / "c", cwd=tmp_path)
    assert made.returncode == 0, made.stderr
    assert (tmp_path / "c" / "pair.h").is_file()
    text = (tmp_path / "c" / "pair_frontend.c").read_text(encoding="utf-8")
    assert text.count("cs_overlap_add(") == text.count("cs_take_frame(") == 1


def test_evaluate_takes_rows_and_chains(folder, tmp_path):
    pcm = noise(0.5)
    integers = model_system("q", folder / "int16.toml", tmp_path / "build")
    floats = model_system("f", folder / "pair.toml", tmp_path)
    assert (integers.how, floats.how) == ("int8, host library", "float")
    assert snr_db(floats.enhance("x", pcm) / 32768.0, integers.enhance("x", pcm) / 32768.0) > 18
    (tmp_path / "chain.toml").write_text(f'[chain]\n{FRAMES}feature = "magnitude"\n', encoding="utf-8")
    sound = {"noise": folder / "sound" / "noise.wav"}
    pairs = Pairs(folder, "{role}", sound, sound)
    data = {"chains": [f"one={tmp_path / 'chain.toml'}"], "results": ["mask"]}
    (one,) = compared_systems(pairs, [f"one={folder / 'first.onnx'}"], [], [], tmp_path, **data)
    assert one.enhance("x", pcm).size == pcm.size
    for wrong in ({"chains": ["two=x.toml"]}, {"results": ["two=mask"]}):
        with pytest.raises(InputError, match=r"two=.*: no --model has that name"):
            compared_systems(pairs, [f"one={folder / 'first.onnx'}"], [], [], tmp_path, **wrong)


REFUSED = {
    "[[stage]]\nmodel = 'first.onnx'\nhop = 16\nn_fft = 256\nfeature = 'magnitude'\n"
    "[[stage]]\nmodel = 'second.onnx'\nhop = 32\nfeature = 'frame'\noutput = 'frame'": "stage 2: hop differs from that",
    "[[stage]]\nfeature = 'frame'": "stage 1 has no model",
    "stage = 3": r"has no \[\[stage\]\]",
    "[[stage]]\nmodel = 3": "model is no text",
    "nane = 'x'\n[[stage]]\nmodel = 'first.onnx'": "nane means nothing beside",
    "[[stage]]\nmodel = 'first.onnx'\nfeture = 'frame'": "stage 1: feture means nothing, did you mean feature",
    "[[stage]]\nmodel = 'none.onnx'": "none.onnx",
    f"[[stage]]\nmodel = 'first.onnx'\n{FRAMES}feature = 'magnitude'\npath = 'filter'\n"
    "[[stage]]\nmodel = 'second.onnx'\nfeature = 'frame'\noutput = 'frame'": "path 'filter' needs real gains, not output",
    "[[stage]]\nmodel = 'first.onnx'\nchain = 'x.toml'\nhop = 3": "a chain file beside keys of a chain",
}


@pytest.mark.parametrize("text", REFUSED)
def test_a_wrong_file_is_refused_in_words(text, folder):
    path = folder / "wrong.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=REFUSED[text]):
        lower_row(load_row(path).graphs)


def test_options_of_one_model_beside_a_row_are_refused(folder):
    with pytest.raises(InputError, match=r"--chain beside .*whose stages have their own"):
        load_row(folder / "pair.toml", folder / "x.toml")
    with pytest.raises(InputError, match="cannot hold 2 networks"):
        api.quantize(folder / "pair.toml", folder / "sound", folder / "x.onnx")


def test_the_q31_front_end_is_of_one_network(folder):
    with pytest.raises(InputError, match="the Q31 front end has no 2 networks in a row"):
        plan_memory(load_model(folder / "int16.toml").network, "plain", "q31")


def test_a_chain_without_its_network_is_the_identity():
    """Handed over and synthesised with gains of one, PCM comes back."""
    from chains import chain_of

    chain, pcm = chain_of(n_fft=64, window=64, hop=32, feature="magnitude"), noise(0.2)
    analysis = analyse(chain, pcm[: pcm.size // 32 * 32])
    ones = np.ones((len(analysis.features), 33), np.float32)
    again = handed_over(chain, chain, analysis.spectrum, ones)
    assert np.abs(synthesise(chain, again.spectrum, ones)[32:].astype(int) - pcm[: pcm.size // 32 * 32][:-32]).max() <= 1

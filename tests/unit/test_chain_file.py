# SPDX-License-Identifier: Apache-2.0
"""Chains as model files and chain files say them: what follows, what is assumed, and one line for what is wrong."""

from __future__ import annotations

import json

import numpy as np
import onnx
import pytest
from onnx import helper, numpy_helper

import codesign
from chains import CHAINS, chain_of
from codesign.base.errors import InputError
from codesign.cli import main as cli
from codesign.compiler.frontend import Chain
from codesign.compiler.frontend.describe import describe
from codesign.compiler.frontend.presets import presets
from codesign.compiler.frontend.read import Entry, chain_properties, read_chain_keys
from codesign.compiler.model import load_onnx, read_chain
from models import float_network


def model_file(folder, name="model.onnx", tensors=(), n_mels=12, **metadata):
    model = float_network(n_mels=n_mels).model(metadata=metadata)
    model.graph.initializer.extend(numpy_helper.from_array(values, key) for key, values in tensors)
    path = folder / name
    path.write_bytes(model.SerializeToString())
    return path


@pytest.fixture
def main(monkeypatch):
    """The command line in this process: arguments → exit status."""

    def run(*arguments) -> int:
        monkeypatch.setattr("sys.argv", ["codesign", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        return int(ended.value.code or 0)

    return run


def chain_file(folder, text, name="chain.toml"):
    path = folder / name
    path.write_text(f"[chain]\n{text}\n")
    return path


@pytest.mark.parametrize("name", CHAINS)
def test_metadata_that_is_written_is_read_again(name):
    chain = CHAINS[name]
    entries = {key: Entry(value, "m.onnx: metadata") for key, value in chain_properties(chain).items()}
    assert read_chain_keys(entries, "m.onnx", lambda _: None, chain.n_features, chain.n_outputs).chain == chain


def test_a_model_s_metadata_alone(tmp_path):
    path = model_file(tmp_path, sample_rate="8000", n_fft="200", hop="100", feature="erb_power", window_kind="hamming")
    reading = read_chain(path)
    chain = reading.chain
    assert (chain.window, chain.n_mels, chain.f_max, chain.gains) == (200, 12, 4000.0, "bands")
    assert reading.assumed == ("window", "exponent", "f_min", "f_max")
    assert reading.warnings == ()
    assert load_onnx(path).frontend == chain == codesign.read_chain(path)


def test_a_logarithm_in_the_feature_s_name():
    assert chain_of(feature="log_mel") == chain_of(feature="mel_power", compression="log")
    assert chain_of(feature="log10_erb_magnitude") == chain_of(feature="erb_magnitude", compression="log10")
    assert chain_of(feature="log_power") == chain_of(feature="power", compression="log")


@pytest.mark.parametrize(
    ("keys", "expected"),
    [
        ({"n_fft": 256}, (256, 256, 128)),
        ({"window": 400}, (512, 400, 200)),
        ({"window": 960}, (1024, 960, 480)),
        ({"window": 400, "n_fft": 400, "hop": 160}, (400, 400, 160)),
        ({}, (512, 512, 256)),
    ],
)
def test_lengths_follow_from_each_other(keys, expected):
    chain = chain_of(**keys)
    assert (chain.n_fft, chain.window, chain.hop) == expected


def test_a_chain_file_beside_a_model_and_one_that_is_named(tmp_path):
    path = model_file(tmp_path, n_mels=9, n_fft="128", window="128", hop="64")
    assert load_onnx(path).frontend.exponent == 0.3
    named = chain_file(tmp_path, 'n_fft = 16\nfeature = "magnitude"\nexponent = 0.5\nwindow = 16\nhop = 8')
    assert load_onnx(path, named).frontend == Chain(
        n_fft=16, window=16, hop=8, feature="magnitude", exponent=0.5, n_mels=1, gains="bins"
    )
    chain_file(tmp_path, "exponent = 0.25\nhop = 32", "model.toml")
    found = load_onnx(path).frontend
    assert (found.exponent, found.hop, found.window) == (0.25, 32, 128)
    (tmp_path / "model.toml").write_text("[train]\nepochs = 3\n")  # another program's
    assert load_onnx(path).frontend.hop == 64
    with pytest.raises(InputError, match=r"has no \[chain\] table"):
        load_onnx(path, tmp_path / "model.toml")


def test_states_and_name_in_a_chain_file(tmp_path):
    path = model_file(tmp_path, n_fft="128", window="128", hop="64")
    states = [[f"{s}{i}_in", f"{s}{i}_out", 0.5] for i in (0, 1) for s in "hc"]
    graph = load_onnx(path, chain_file(tmp_path, f'states = {json.dumps(states)}\nname = "Theirs"'))
    assert graph.name == "Theirs"
    assert {state.initial for state in graph.states} == {0.5}


def test_a_preset_replaces_what_metadata_says(tmp_path):
    path = model_file(tmp_path, n_mels=161, n_fft="512", feature="mel_power", exponent="0.2")
    assert load_onnx(path, chain_file(tmp_path, 'preset = "nsnet2"')).frontend == chain_of(preset="nsnet2")
    changed = load_onnx(path, chain_file(tmp_path, 'preset = "nsnet2"\nfloor = 1e-9')).frontend
    assert (changed.floor, changed.compression) == (1e-9, "log10")


def test_matrices_from_files_tensors_and_lists(tmp_path):
    bank = np.abs(np.random.default_rng(0).normal(0, 1, (12, 65))).astype(np.float32).astype(np.float64)
    expected = tuple(map(tuple, bank.tolist()))
    np.save(tmp_path / "bank.npy", bank)
    np.savetxt(tmp_path / "bank.csv", bank, delimiter=",", fmt="%.17g")
    common = {"n_fft": "128", "hop": "64", "feature": "matrix_power"}
    path = model_file(tmp_path, tensors=[("own/bank", bank.astype(np.float32))], **common)
    for value in ('"bank.npy"', '"bank.csv"', '"own/bank"', json.dumps(bank.tolist()).replace("], ", "],\n")):
        assert load_onnx(path, chain_file(tmp_path, f"bands_matrix = {value}")).frontend.bands_matrix == expected
    path = model_file(
        tmp_path,
        tensors=[("own/bank", bank.astype(np.float32))],
        **common,
        bands_matrix="own/bank",
        mean="[1.5]",
        deviation="2",
    )
    found = load_onnx(path).frontend
    assert (found.bands_matrix, found.mean, found.deviation) == (expected, (1.5,), (2.0,))


WRONG = [
    ('hop = "x"', "hop is 'x', no whole number"),
    ("hop = 64.5", "hop is '64.5', no whole number"),
    ("hop = true", "hop is 'True', no whole number"),
    ("exponent = [1]", r"exponent is '\[1\]', no number"),
    ("feature = 3", "feature is 3, no word"),
    ('feature = "mel_mag"', "feature 'mel_mag' is not one of .*, did you mean mel_power|mel_magnitude"),
    ('feature = "logmel"', "did you mean log_mel"),
    ('feature = "log_mell"', "feature 'mell' is not one of"),
    ('feature = "log_mel"\ncompression = "power"', "feature 'log_mel' and compression 'power' contradict each other"),
    ('feature = "magnitude"', "feature 'magnitude' gives 65 values, the input has 12"),
    ("n_fft = 134", "n_fft 134 is no even product of 2, 3 and 5 in 16…4096, near it 128, 144"),
    ("n_fft = 99999999999", "n_fft is beyond 32 bits"),
    ("window = 200", "window 200 is not in 2…n_fft=128"),
    ('window_kind = "kaiser"', "window_kind 'kaiser' is not one of rectangular, hann"),
    ('window_kind = "samples"', "window_samples has 0 values where window_kind 'samples' takes 128"),
    ("window_samples = [1.0]", "window_samples has 1 values where window_kind 'sqrt_hann' takes 0"),
    ("hop = 0", "hop 0 is not in 1…window=128"),
    ('compression = "cube"', "compression 'cube' is not one of power, log, log10, none"),
    ("offset = 1.0", "offset 1.0 goes with compression log or log10, not 'power'"),
    ("floor = 0.0", "floor 0.0 is not in"),
    ("mean = [1, 2]", "mean has 2 values for 12 features"),
    ("mean = [[1, 2], [3, 4]]", r"mean has shape \[2, 2\], no list of numbers"),
    ('mean = "nothing"', "mean is 'nothing', no list of numbers and no tensor or file"),
    ('mean = ["a"]', "mean is no list of numbers"),
    ("deviation = 0", "deviation holds a value that is not above 0"),
    ('mean = "[NaN]"', "mean holds a value that is not finite"),
    ('bands_matrix = "missing.npy"', r"cannot read .*missing\.npy"),
    ("bands_matrix = [[1.0]]", "bands_matrix is 1 × 1 where feature 'mel_magnitude' takes 0 × 0"),
    ("gains_matrix = [[1.0], [1.0, 2.0]]", "gains_matrix is no matrix of numbers"),
    ('output = "wave"', "output 'wave' is not one of gains, mask, spectrum, frame"),
    ('output = "mask"', "output 'mask' takes 130 values, the output has 12"),
    ('gains = "bins"', "gains 'bins' takes 65 values, the output has 12"),
    ("gain_min = 1.0\ngain_max = 0.5", "gain_min 1 is not below gain_max 0.5"),
    ('preset = "dtln"', "preset 'dtln' is not one of .*, did you mean dtln-[12]"),
    ("preset = 7", "preset '7' is not one of"),
    ("limiter = 6", r"\.onnx with .*chain\.toml: front end: limiter 6"),
    ("hop_length = 64", r"chain\.toml: chain hop_length means nothing, did you mean hop\?"),
    ("n_ftt = 64", "n_ftt means nothing, did you mean n_fft"),
    ("limiter_attack = 5.0", r"chain\.toml: chain limiter_attack changes nothing without limiter in dBFS or limiter_spl"),
    ("limiter = -6.0\nlimiter_rms_release = 50.0", "limiter_rms_release changes nothing without limiter_rms in dBFS"),
    ("taps = 32", 'taps changes nothing without path = "filter"'),
    ("lag = 8", 'lag changes nothing without path = "filter"'),
    ("running_smoothing = 0.9", "running_smoothing changes nothing without running = mean"),
    ('running = "mean"\nrunning_floor = 1.0', "running_floor changes nothing without running = mean_deviation or unit"),
    ('compression = "log"\nexponent = 0.5', "exponent changes nothing without compression = power"),
    ('layout = "planes"', "layout changes nothing without complex values"),
]


@pytest.mark.parametrize(("line", "said"), WRONG)
def test_one_line_says_what_is_wrong(line, said, main, tmp_path, capsys):
    path = model_file(tmp_path, n_fft="128", window="128", hop="64")
    file = chain_file(tmp_path, line)
    with pytest.raises(InputError, match=said):
        load_onnx(path, file)
    assert main("inspect", str(path), "--chain", str(file)) == 2
    *drawn, error = capsys.readouterr().err.strip().splitlines()
    assert error.startswith("error: ")
    sizes = said.endswith(" has 12")  # the network is drawn where only they do not fit
    assert bool(drawn) == sizes
    assert not sizes or "lstm0" in "".join(drawn)


def test_files_that_hold_no_matrix(tmp_path):
    path = model_file(tmp_path, n_fft="128", hop="64", feature="matrix_power")
    huge = (
        b"\x93NUMPY\x01\x00v\x00" + b"{'descr': '<f8', 'fortran_order': False, 'shape': (1000000000, 9), }".ljust(117) + b"\n"
    )
    contents = {"a.npy": b"nothing", "b.npy": huge, "c.csv": b"1,2\n3,x\n", "d.txt": b"\xff\xfe", "e.npy": b""}
    np.save(tmp_path / "f.npy", np.array([{}], object), allow_pickle=True)
    for name, data in contents.items():
        (tmp_path / name).write_bytes(data)
    for name in (*contents, "f.npy"):
        with pytest.raises(InputError, match="holds no matrix of numbers"):
            load_onnx(path, chain_file(tmp_path, f'bands_matrix = "{name}"'))


def test_inspect_draws_the_chain_and_says_what_it_assumed(main, tmp_path, capsys):
    path = model_file(tmp_path, n_fft="128", hop_length="32", fs="8000", colour="red")
    assert main("inspect", str(path)) == 0
    said = capsys.readouterr().err
    assert "hop_length means nothing, did you mean hop?" in said
    assert "fs means nothing, did you mean sample_rate?" in said
    assert "colour means nothing\n" in said
    assert "→ frames of 128 samples (8 ms) every 64 (4 ms), window sqrt_hann" in said
    assert "assumed, for nothing says otherwise: sample_rate = 16000, window = 128, hop = 64" in said
    assert main("inspect", str(path), "--json") == 0
    assert json.loads(capsys.readouterr().out)["frontend"]["n_fft"] == 128


@pytest.mark.parametrize("name", presets())
def test_inspect_draws_every_preset(name, main, tmp_path, capsys):
    assert main("inspect", str(chain_file(tmp_path, f'preset = "{name}"'))) == 0
    said = capsys.readouterr().err
    assert said.startswith("PCM, ")
    assert "assumed" not in said or name == "percepnet"
    assert main("inspect", str(chain_file(tmp_path, f'preset = "{name}"')), "--json") == 0
    json.loads(capsys.readouterr().out)


def test_dtln_in_words():
    assert describe(chain_of(preset="dtln-1")) == [
        "PCM, 16,000 Hz",
        "→ frames of 512 samples (32 ms) every 128 (8 ms), window rectangular",
        "→ rfft 512 → magnitude (257)",
        "→ network, 257 → 257",
        "→ gains of 257 bins",
        "→ inverse rfft 512 → overlap-add, window matched → PCM, 24 ms later",
    ]
    assert describe(chain_of(preset="dtln-2"))[-1] == "→ overlap-add, plain sum, gain 4 → PCM, 24 ms later"


def test_a_float_model_with_other_gains_than_features_goes_through_quantize(tmp_path):
    """12 mel bands in, 65 gains of bins out: what quantize writes says it too, and lowers."""
    soundfile = pytest.importorskip("soundfile")
    weights = numpy_helper.from_array(np.random.default_rng(0).normal(0, 0.2, (12, 65)).astype(np.float32), "w")
    nodes = [helper.make_node("MatMul", ["x", "w"], ["y"]), helper.make_node("Sigmoid", ["y"], ["gain"])]
    infos = [helper.make_tensor_value_info(n, onnx.TensorProto.FLOAT, [1, s]) for n, s in (("x", 12), ("gain", 65))]
    model = helper.make_model(helper.make_graph(nodes, "g", infos[:1], infos[1:], [weights]))
    model.ir_version, model.opset_import[0].version = 10, 21
    helper.set_model_props(model, {"n_fft": "128", "hop": "64", "compression": "log", "deviation": "3.0"})
    path, data = tmp_path / "m.onnx", tmp_path / "data"
    onnx.save(model, path)
    data.mkdir()
    soundfile.write(data / "a.wav", np.random.default_rng(1).normal(0, 0.1, 16000 * 2), 16000)
    codesign.quantize(path, data, tmp_path / "q.onnx")
    chain = load_onnx(tmp_path / "q.onnx").frontend
    assert chain == load_onnx(path).frontend
    assert (chain.gains, chain.n_outputs, chain.compression, chain.deviation) == ("bins", 65, "log", (3.0,))
    generated = codesign.generate(tmp_path / "q.onnx", tmp_path / "c")
    assert "cs_logarithm" in (generated.folder / "q_frontend.c").read_text()

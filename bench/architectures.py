# SPDX-License-Identifier: Apache-2.0
"""The table of architectures in docs/bring-your-network.md: export, quantize, verify, on each board.

    python bench/architectures.py [NAME]... [--board NAME]... [--data FOLDER] [--seconds N] [-o FOLDER]

The networks are in architecture_networks.py and architecture_sequences.py, with random weights from a fixed seed: size, speed
and equality of bits are those of the architecture, the sound is not. Boards with a Zephyr machine alone need west's workspace.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import architecture_networks as steps
import architecture_sequences as sequences
import torch

BOARDS = ("nrf5340dk", "stm32f746g_disco", "mps3_an547")
DATA = Path(__file__).parents[1] / "models" / "demo"
_BINS = 'window = 512\nhop = 256\nfeature = "magnitude"\noutput = "gains"'
_MAGNITUDES = 'n_fft = 320\nhop = 160\nfeature = "magnitude"\noutput = "gains"'
_ERB = 'sample_rate = 48000\nwindow = 960\nhop = 480\nwindow_kind = "vorbis"\nfeature = "erb_power"\ncompression = "log10"\n'
_MEAN = 'floor = 1e-10\nrunning = "mean"\nrunning_start = -7.0\ndeviation = 4.0\noutput = "gains"'
_FRAMES = 'window = 64\nhop = 32\nfeature = "frame"\noutput = "frame"'


@dataclass(frozen=True)
class Case:
    """What makes a network, the shape of its frame (or its features, of many frames), and its chain as TOML."""

    title: str
    make: type
    frame: tuple[int, ...]
    chain: str


CASES = {
    "dpcrn": Case("DPCRN, channels / 8", steps.Dpcrn, (2, 1, 201), 'n_fft = 400\nfeature = "spectrum"\noutput = "mask"'),
    "fspen": Case("FSPEN", steps.Fspen, (2, 1, 257), 'preset = "gtcrn"\nlayout = "planes"'),
    "lisennet": Case("LiSenNet, magnitudes", steps.LiSenNet, (1, 1, 257), f'{_BINS}\ncompression = "power"'),
    "crn": Case("CRN, channels / 8", sequences.Crn, (161,), _MAGNITUDES),
    "cruse": Case("CRUSE, 8-16-32-32", lambda: sequences.Cruse((1, 8, 16, 32, 32)), (161,), 'preset = "nsnet2"'),
    "cruse-64": Case("CRUSE, 16-32-64-64", sequences.Cruse, (161,), 'preset = "nsnet2"'),
    "dfn-erb": Case("DeepFilterNet, gains", sequences.DeepFilterErb, (32,), _ERB + _MEAN),
    "dfn-erb-16": Case("DeepFilterNet, gains, 16 channels", lambda: sequences.DeepFilterErb(16, 128), (32,), _ERB + _MEAN),
    "rnnoise": Case("RNNoise, bands", sequences.RnNoise, (22,), 'preset = "rnnoise"'),
    "percepnet": Case("PercepNet, bands, units / 4", sequences.PercepNet, (34,), 'preset = "percepnet"'),
    "conv-tasnet": Case("Conv-TasNet, 64 filters", sequences.ConvTasNet, (64,), _FRAMES),
    "nsnet2": Case("NSNet2", sequences.NsNet2, (161,), 'preset = "nsnet2"'),
}


def export(case: Case, path: Path) -> int:
    """The ONNX file and the chain beside it; the number of parameters."""
    torch.manual_seed(0)
    net = case.make().eval()
    for module in net.modules():
        if isinstance(module, torch.nn.modules.batchnorm._BatchNorm):  # as after training: not the identity
            torch.nn.init.uniform_(module.weight, 0.8, 1.2)
            torch.nn.init.uniform_(module.running_var, 0.5, 1.5)
            torch.nn.init.normal_(module.running_mean, 0.0, 0.1)
    if len(case.frame) == 1:
        example, names = (torch.zeros(1, 10, *case.frame),), {"input_names": ["features"], "output_names": ["result"]}
        axes = {"features": {1: "frames"}, "result": {1: "frames"}}
        model = net
    else:
        frame, memory = torch.zeros(1, *case.frame), steps.Memory()
        with torch.no_grad():
            net(frame, memory)
        states = [torch.zeros_like(state) for state in memory.new]
        example, model, axes = (frame, *states), steps.Step(net), {}
        kept = [f"state{n}" for n in range(len(states))]
        names = {"input_names": ["frame", *(f"{k}_in" for k in kept)], "output_names": ["result", *(f"{k}_out" for k in kept)]}
    torch.onnx.export(model, example, str(path), dynamo=False, dynamic_axes=axes, opset_version=17, **names)
    path.with_suffix(".toml").write_text(f"[chain]\n{case.chain}\n", encoding="utf-8")
    return sum(parameter.numel() for parameter in net.parameters())


def codesign(*arguments: object) -> tuple[dict, str]:
    """A command's JSON, empty where it did not get that far, and the last line that it said."""
    command = [sys.executable, "-m", "codesign", *map(str, arguments), "--json"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    lines = done.stderr.strip().splitlines()
    return (json.loads(done.stdout) if done.stdout.strip() else {}), lines[-1] if lines else ""


def network_row(title: str, parameters: int, inspected: dict) -> str:
    """What the import made of a file."""
    (graph,) = inspected["graphs"]
    hop = inspected["frontend"]["hop"] / inspected["frontend"]["sample_rate"]
    found = [note for note in inspected["notes"] if "keeps the last" in note or "starts from zero" in note]
    made = "states of the file" if not found else f"one frame a step, {len(found)} states made"
    rate = f"{inspected['macs'] / hop / 1e6:.1f}"
    cells = (title, f"{parameters:,}", rate, f"{1000 * hop:g}", made, f"{len(graph['operators'])}")
    return f"| {' | '.join(cells)} |"


def proof_row(title: str, board: str, proof: dict, words: str) -> str:
    """Verdict and figures on one board; what does not hold, by the names of its checks."""
    if not proof:
        return f"| {title} | {board} | not run: {words} | | | | |"
    verdict = proof["verdict"]
    used = {region["kind"]: f"{region['used']:,}" for region in verdict["footprint"]["regions"]}
    failed = ", ".join(check["name"] for check in verdict["checks"] if not check["ok"])
    latency = verdict["latency"]
    time = f"{latency['worst_ms']:.2f} of {latency['deadline_ms']:g}"
    said = "PROVEN" if proof["ok"] else f"NOT PROVEN: {failed}"
    return f"| {title} | {board} | {said} | {latency['worst_instructions']:,} | {time} | {used['flash']} | {used['ram']} |"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(CASES)}; default: all")
    parser.add_argument("--board", action="append", help=f"repeatable; default {', '.join(BOARDS)}")
    parser.add_argument("--data", type=Path, default=DATA, help="recordings to calibrate with")
    parser.add_argument("--seconds", type=float, default=20.0, help="of audio to prove over")
    parser.add_argument("-o", "--output", type=Path, default=Path("build/architectures"))
    given = parser.parse_args()
    unknown = sorted(set(given.names) - set(CASES))
    if unknown:
        parser.error(f"no network is called {', '.join(unknown)}: one of {', '.join(CASES)}")
    given.output.mkdir(parents=True, exist_ok=True)
    rows = []
    for name in given.names or CASES:
        case, path = CASES[name], given.output / f"{name}.onnx"
        parameters = export(case, path)
        inspected, words = codesign("inspect", path)
        if not inspected:
            sys.exit(f"{name}: {words}")
        print(network_row(case.title, parameters, inspected), flush=True)
        quantized = path.with_name(f"{name}-int16.onnx")
        codesign("quantize", path, "--activations", "int16", "--data", given.data, "-o", quantized)
        for board in given.board or BOARDS:
            proof, words = codesign("verify", quantized, "--board", board, "--seconds", given.seconds)
            quantized.with_suffix(f".{board}.json").write_text(json.dumps(proof), encoding="utf-8")
            rows.append(proof_row(case.title, board, proof, words))
            print(rows[-1], file=sys.stderr, flush=True)
    print("\n".join(rows))
    return 0


if __name__ == "__main__":
    sys.exit(main())

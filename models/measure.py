# SPDX-License-Identifier: Apache-2.0
"""Measure the shipped networks and write models/README.md and each network's metrics.json.

    python models/measure.py --speech CORPUS/speech --noise CORPUS/noise [--clips CLIPS] [--floats FOLDER] [--peers FOLDER]
                             [--unseen CLIPS]

Held-out mixtures come from the test split of the two folders (`models/corpus/corpus.py` assembles ours): 20 of 4 s for each
ratio of speech to noise. int8 networks run as the firmware's own C code on this machine, which codesign verify proves equal
to the image; float networks run in onnxruntime. CLIPS has folders with noisy.flac, clean.flac, paper_baseline.flac and
paper_int8_1.flac, as `codesign evaluate` takes them; their figures go to models/clips.json. The folder of --floats has the
unrounded float networks as NAME.onnx (`codesign export --float`), that of --peers other people's networks (peers.py), which are
scored in the same run, on the same mixtures and clips; their figures go to models/peers.json. --unseen takes the clips that
unseen.py writes, the second test; ours and the peers' figures on them go to models/unseen_scores.json. Needs the package pesq;
takes about 15 minutes on one core, and longer with peers.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnxruntime
import soundfile as sf
from peers import peer_systems
from table import readme

from codesign.base.errors import CodesignError
from codesign.base.intervals import Interval
from codesign.base.isolate import Workers
from codesign.base.metrics import align, estoi, si_sdr
from codesign.base.progress import silent
from codesign.compiler.frontend import Chain, whole_hops
from codesign.compiler.lower import lower
from codesign.compiler.lower.network import Network
from codesign.compiler.model import load_onnx
from codesign.compiler.quantize import quantize_file
from codesign.compiler.reference.frontend import analyse, output_of
from codesign.firmware.boards import load_board
from codesign.firmware.machines import bare_machine
from codesign.firmware.machines.host import HostEnhancer
from codesign.firmware.toolchain.host import build_host
from codesign.hearing.evaluate import Pairs, System, find_outputs, find_pairs, model_system, recorded_system, summarize
from codesign.hearing.evaluate.measures import pesq_wb
from codesign.hearing.evaluate.scoring import plan_scores, scores
from codesign.learning.data import PLAIN, Mixer, open_corpus
from codesign.pipeline import prove
from codesign.proof.recordings import Recording

MODELS = Path(__file__).parent
NETWORKS = ("baseline-256", "baseline-256-perceptual", "standard", "pruned", "standard-skip", "low-latency", "low-delay", "m55")
SNRS = (-6.0, -3.0, 0.0, 3.0, 6.0, 9.0)
RATE = 16000
SECONDS = 4
PAPER = ("paper_baseline", "paper_int8_1")
"""Outputs of the paper's networks beside the clips."""
SEED = 2026
BOARD = "nrf5340dk"
BOARDS = {"m55": "mps3_an547"}
"""Networks that are for another board, and which."""
STREAM_MINUTES = 10
Pcm = npt.NDArray[np.int16]
Enhance = Callable[[Pcm], Pcm]
Pair = tuple[str, Pcm, Pcm]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--speech", type=Path, required=True)
    parser.add_argument("--noise", type=Path, required=True)
    parser.add_argument("--clips", type=Path, help="folders with noisy.flac and clean.flac, for the report only")
    parser.add_argument("--floats", type=Path, help="folder of float networks NAME.onnx, for the loss of int8")
    parser.add_argument("--peers", type=Path, help="folder of other people's networks, with TOML files for what is around them")
    parser.add_argument("--unseen", type=Path, help="clips that unseen.py wrote")
    parser.add_argument("--count", type=int, default=20, help="held-out mixtures per ratio")
    parser.add_argument("--only", choices=NETWORKS, help="measure this network and take the others' metrics.json as they are")
    arguments = parser.parse_args()
    corpus = open_corpus(arguments.speech, arguments.noise, sample_rate=RATE)
    mixer = Mixer(corpus, "test", SECONDS * RATE, SEED, PLAIN)
    pairs = [(f"{snr:+g} dB", *map(_pcm, mixer.mixture(snr))) for snr in SNRS for _ in range(arguments.count)]
    long = Mixer(corpus, "test", 60 * RATE, SEED + 1, PLAIN)
    stream = [("", *map(_pcm, long.mixture(3.0))) for _ in range(STREAM_MINUTES)]
    calibration = Mixer(corpus, "train", 20 * RATE, SEED + 2, PLAIN)
    with tempfile.TemporaryDirectory() as scratch:
        files = {name: _files(name, Path(scratch) / name, arguments.floats, calibration) for name in NETWORKS}
        for name, (model, own_float) in files.items():
            if arguments.only in (None, name):
                found = _measure(model, own_float, Path(scratch) / name, pairs, stream)
                (MODELS / name / "metrics.json").write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")
                print(name, json.dumps(found["held_out"]["mean"]), flush=True)
        peers = _peers(arguments.peers, Path(scratch), pairs) if arguments.peers else []
        if arguments.clips:
            clips = _clips(arguments.clips, files, Path(scratch), peers)
            (MODELS / "clips.json").write_text(json.dumps(clips, indent=2) + "\n", encoding="utf-8")
        if arguments.unseen:
            found = _unseen(arguments.unseen, files, Path(scratch), peers)
            (MODELS / "unseen_scores.json").write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")
    (MODELS / "README.md").write_text(readme(MODELS, NETWORKS), encoding="utf-8")


def _files(name: str, scratch: Path, floats: Path | None, calibration: Mixer) -> tuple[Path, Path | None]:
    """The int8 model of a network, and its float one if there is one."""
    scratch.mkdir()
    model, own_float = MODELS / name / f"{name}.onnx", MODELS / name / f"{name}-float.onnx"
    if not model.exists():  # shipped as float: int8 is what codesign quantize makes of it
        model = scratch / f"{name}.onnx"
        data = scratch / "calibration"
        data.mkdir()
        for index in range(12):
            sf.write(data / f"{index}.wav", calibration.mixture()[0], RATE, subtype="PCM_16")
        quantize_file(own_float, data, model)
    if not own_float.exists():
        own_float = (floats or scratch) / f"{name}.onnx"
    return model, own_float if own_float.exists() and own_float != model else None


def _measure(model: Path, own_float: Path | None, scratch: Path, pairs: list[Pair], stream: list[Pair]) -> dict[str, Any]:
    """Everything that is said of one network."""
    network = lower(load_onnx(model))
    enhancer = HostEnhancer(build_host(network, scratch / "host"))
    found: dict[str, Any] = {"model": model.name, "front_end": vars(network.frontend) | {}, "cost": _cost(network)}
    systems, latency = {"int8": _int8(enhancer), **_float(own_float)}, network.frontend.latency_samples
    found["held_out"] = _scores(pairs, systems, latency)
    found["cost"]["updates"] = _updates(enhancer, pairs)
    found["cost"]["average_macs"] = _average_macs(network, found["cost"]["updates"])
    found["stream"] = _drift(enhancer, stream, latency)
    found["board"] = _on_board(model, scratch, pairs[-1], BOARDS.get(model.stem, BOARD))
    return found


def _cost(network: Network) -> dict[str, Any]:
    """MACs of a step and bytes of the constants in the firmware; those of the same sizes in float32."""
    rows = sum(matrix.shape[0] for layer in network.layers for matrix in layer.weights_int8[:1])
    constants = sum(array.nbytes for layer in network.layers if layer.macs for array in layer.constants)
    return {"macs": network.macs, "bytes": network.macs + constants, "float_bytes": 4 * (network.macs + rows)}


def _average_macs(network: Network, updates: float) -> float:
    guarded = {name for gate in network.gates for name in (gate.name, *gate.guards)}
    return sum(layer.macs * (updates if layer.name in guarded else 1.0) for layer in network.layers)


def _int8(enhancer: HostEnhancer) -> Enhance:
    def enhance(pcm: Pcm) -> Pcm:
        enhancer.reset()
        return enhancer.process(whole_hops(pcm, enhancer.hop))

    return enhance


def _float(path: Path | None) -> dict[str, Enhance]:
    """The float network in onnxruntime, if there is one."""
    if path is None:
        return {}
    graph = load_onnx(path)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    names = [value.name for value in session.get_outputs()]
    config: Chain = graph.frontend

    def enhance(pcm: Pcm) -> Pcm:
        whole = whole_hops(pcm, config.hop)
        analysis = analyse(config, whole)
        feed = {state.input: np.full((1, state.size), state.initial, np.float32) for state in graph.states}
        masks = []
        for row in analysis.features:
            values = dict(zip(names, session.run(None, {graph.input: row[None], **feed}), strict=True))
            masks.append(values[graph.output][0])
            feed = {state.input: values[state.output] for state in graph.states}
        return output_of(config, whole, analysis.spectrum, np.stack(masks))

    return {"float": enhance}


def _scores(pairs: list[Pair], systems: dict[str, Enhance], latency: int) -> dict[str, Any]:
    """Mean SI-SDR in dB, ESTOI and PESQ-WB, by group and in all."""
    rows: list[tuple[str, dict[str, float]]] = []
    for group, noisy, clean in pairs:
        row = _row("noisy", noisy, clean)
        for name, enhance in systems.items():
            row |= _row(name, *align(enhance(noisy), clean, latency))
        rows.append((group, row))
    keys = rows[0][1]
    result: dict[str, Any] = {"pairs": len(rows), "mean": {k: _mean([r[k] for _, r in rows]) for k in keys}}
    groups = dict.fromkeys(group for group, _ in rows)
    result["by_group"] = {g: {k: _mean([r[k] for name, r in rows if name == g]) for k in keys} for g in groups}
    gains = [row["int8"] - row["noisy"] for _, row in rows if "int8" in row]
    if gains:
        result["improvement"] = {"worst": round(min(gains), 2), "best": round(max(gains), 2)}
    return result


def _row(name: str, estimate: Pcm, reference: Pcm) -> dict[str, float]:
    return {
        name: si_sdr(estimate, reference),
        f"{name}_estoi": estoi(estimate, reference, RATE),
        f"{name}_pesq": pesq_wb(estimate, reference, RATE),
    }


def _updates(enhancer: HostEnhancer, pairs: list[Pair]) -> float:
    """Share of frames that did not skip."""
    frames = skipped = 0
    for _, noisy, _ in pairs:
        enhancer.reset()
        enhancer.process(whole_hops(noisy, enhancer.hop))
        frames, skipped = frames + enhancer.frames, skipped + enhancer.skipped
    return 1.0 - skipped / frames


def _drift(enhancer: HostEnhancer, stream: list[Pair], latency: int) -> list[float]:
    """Improvement in dB of every minute of one uninterrupted stream, against the same minute from fresh states."""
    noisy = np.concatenate([pair[1] for pair in stream])
    enhancer.reset()
    whole = enhancer.process(whole_hops(noisy, enhancer.hop))
    fresh = _int8(enhancer)
    result = []
    for minute, (_, part, clean) in enumerate(stream):
        start = minute * part.size
        kept = slice(RATE, clean.size - 512)  # the first second belongs to the states
        one = whole[start + latency :][: clean.size][kept]
        other = fresh(part)[latency:][kept]
        result.append(round(si_sdr(one, clean[kept]) - si_sdr(other, clean[kept]), 3))
    return result


def _on_board(model: Path, scratch: Path, pair: Pair, board: str) -> dict[str, Any]:
    """What codesign verify says, or why it cannot."""
    _, noisy, clean = pair
    try:
        card, recordings = load_board(board), [Recording("mixture", noisy, clean)]
        emulator = bare_machine(card).name
        verdict = prove(model, card, scratch / "proof", recordings, emulator=emulator, seconds=8.0).verdict
    except CodesignError as error:
        overflow = re.search(r"region [`'](\w+)'.*overflowed by (\d+) bytes", error.message)  # ld's words, and lld's
        words = f"{overflow[1]} overflowed by {int(overflow[2]):,} bytes" if overflow else error.message.split("; ")[0]
        return {"board": board, "refused": words}
    latency = verdict.latency
    result: dict[str, Any] = {"board": board, "proven": verdict.ok, "checks": {c.name: c.detail for c in verdict.checks}}
    if latency is not None:
        result |= {
            "worst_ms": round(latency.worst_ms, 3),
            "error": latency.error,
            "worst_instructions": latency.worst_instructions,
            "mean_instructions": round(latency.mean_instructions),
        }
    return result


def _peers(folder: Path, scratch: Path, pairs: list[Pair]) -> list[System]:
    """The networks of a folder, whose means over the held-out mixtures go to models/peers.json."""
    systems, left = peer_systems(folder, scratch, RATE)
    for line in left:
        print(f"left out: {line}", flush=True)
    found = {}
    for system in systems:
        scores = _scores(pairs, {system.name: lambda pcm, run=system: run.enhance("", pcm)}, 0)
        found[system.name] = {"how": system.how, "sha256": system.sha256, "pairs": scores["pairs"], "mean": scores["mean"]}
        print(system.name, json.dumps(scores["mean"]), flush=True)
    (MODELS / "peers.json").write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")
    return systems


def _clips(
    folder: Path, files: dict[str, tuple[Path, Path | None]], scratch: Path, peers: Sequence[System] = ()
) -> dict[str, Any]:
    """Means of all systems on the paper's clips, and their paired differences from the systems of PAPER."""
    pairs = find_pairs(folder)
    systems = [recorded_system(name, find_outputs(pairs, name), RATE, name) for name in PAPER]
    for name, (model, own_float) in files.items():
        if own_float is not None:
            systems.append(model_system(f"{name}, float", own_float, scratch))
        systems.append(model_system(f"{name}, int8", model, scratch))
    return _paired(pairs, [*systems, *peers], PAPER)


def _unseen(folder: Path, files: dict[str, tuple[Path, Path | None]], scratch: Path, peers: Sequence[System]) -> dict[str, Any]:
    """Means of our int8 networks and of the peers on the second test, and paired differences from noisy and from each peer."""
    systems = [model_system(name, model, scratch) for name, (model, _) in files.items()]
    return _paired(find_pairs(folder), [*systems, *peers], ("noisy", *(peer.name for peer in peers)))


def _paired(pairs: Pairs, systems: Sequence[System], baselines: Sequence[str]) -> dict[str, Any]:
    """Means of all systems, and their paired differences from each of `baselines`, with 95 % intervals."""
    result: dict[str, Any] = {"intervals": "Student's t", "means": {}, "differences": {}}
    plan = plan_scores(pairs, systems)
    with Workers(os.cpu_count() or 1) as workers:
        scored = list(scores(plan, workers, silent, lambda item, signals: None))
    for baseline in baselines:
        found = summarize(replace(plan, baseline=baseline), scored)
        result["clips"] = len(found.items)
        for mean in found.means:
            result["means"].setdefault(mean.system, {})[mean.measure] = _interval(mean.over)
        for difference in found.differences:
            row = result["differences"].setdefault(difference.system, {}).setdefault(baseline, {})
            row[difference.measure] = _interval(difference.over)
    return result


def _interval(over: Interval) -> list[float]:
    """Mean, low, high."""
    return [round(over.mean if value is None else value, 4) for value in (over.mean, over.low, over.high)]


def _pcm(signal: npt.NDArray[np.float32]) -> Pcm:
    return np.clip(np.rint(signal * 32768), -32768, 32767).astype(np.int16)


def _mean(values: list[float]) -> float:
    return round(float(np.mean(values)), 3)


if __name__ == "__main__":
    main()

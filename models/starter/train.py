"""Train and evaluate the starter model.

    python corpus.py CORPUS                         # or bring your own folders of speech and noise
    python train.py train --corpus CORPUS --out RUN --minutes 45
    python train.py eval  --corpus CORPUS --checkpoint RUN/last.pt [--pairs FOLDER]
    python train.py clips --corpus CORPUS --folder CALIBRATION
    python export.py RUN/last.pt starter-float.onnx

Needs the package with its training extra (`pip install -e '.[train]'` in the repository). A corpus has speech/train,
speech/test, noise/train and noise/test with 16 kHz WAV or FLAC files, one folder for each voice or source of noise.
`train` goes on from RUN/last.pt if there is one. The learning rate falls to nearly zero over the given minutes; the
last third is trained with fake-quantized weights and activations. Most batches start from the states that the last one
left: a hearing aid is never reset, and a network that knows fresh states only loses its gain in a long stream.
`--pairs` names a folder of folders with `noisy` and
`clean` as WAV or FLAC.
"""

from __future__ import annotations

import argparse
import math
import multiprocessing as mp
import time
from pathlib import Path
from typing import Any

import numpy as np
import soundfile as sf
import torch
from mixing import RATE, Mixer, Signal, load_groups
from network import Enhancer, loss, si_sdr, step_int8

SNRS = (-6, -3, 0, 3, 6, 9)
WEIGHT_LIMIT = 1.0  # keeps the int8 grid of the weights fine
QUANTIZED_FROM = 2 / 3


def produce(queue: Any, corpus: Path, batch: int, seconds: float, seed: int) -> None:
    """The process that mixes batches."""
    torch.set_num_threads(1)
    mixer = Mixer(
        load_groups(corpus / "speech" / "train"),
        load_groups(corpus / "noise" / "train"),
        int(seconds * RATE) // 256 * 256,
        np.random.default_rng(seed),
    )
    while True:
        queue.put(mixer.batch(batch))


def train(arguments: argparse.Namespace) -> None:
    arguments.out.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(arguments.threads)
    torch.manual_seed(arguments.seed)
    model, average = Enhancer(), Enhancer()
    average.load_state_dict(model.state_dict())
    optimizer = torch.optim.AdamW(model.parameters(), lr=arguments.rate, weight_decay=1e-3, betas=(0.9, 0.98))
    step, used = 0, 0.0
    if (arguments.out / "last.pt").exists():
        state = torch.load(arguments.out / "last.pt", weights_only=True)
        model.network.load_state_dict(state["current"])
        average.network.load_state_dict(state["network"])
        optimizer.load_state_dict(state["optimizer"])
        step, used = state["step"], state["used"]
    queue = mp.Queue(8)
    job = (queue, arguments.corpus, arguments.batch, arguments.seconds, arguments.seed + step)
    producer = mp.Process(target=produce, args=job, daemon=True)
    producer.start()
    held, states = queue.get(), None
    began, saved, losses = time.monotonic() - used, time.monotonic(), []
    while (done := (time.monotonic() - began) / 60 / arguments.minutes) < 1:
        for group in optimizer.param_groups:
            falling = max(0.01, 0.5 * (1 + math.cos(math.pi * done)))
            group["lr"] = arguments.rate * min(1.0, (step + 1) / 200) * falling
        noisy, clean = (torch.from_numpy(signals) for signals in held)
        if torch.rand(()) > arguments.carry:
            states = None
        enhanced, states = model(noisy, done > QUANTIZED_FROM, states)
        states = tuple((h.detach(), c.detach()) for h, c in states)
        value = loss(enhanced, clean, noisy)
        optimizer.zero_grad()
        value.backward()
        norm = torch.nn.utils.clip_grad_norm_(model.parameters(), 5.0)
        if torch.isfinite(norm):
            optimizer.step()
        keep = min(0.998, 1 - 1 / (step + 1))
        with torch.no_grad():
            for mean, parameter in zip(average.parameters(), model.parameters(), strict=True):
                if parameter.dim() == 2:
                    parameter.clamp_(-WEIGHT_LIMIT, WEIGHT_LIMIT)
                mean.lerp_(parameter, 1 - keep)
        step += 1
        losses.append(float(value.detach()))
        if step % 50 == 0:
            print(f"step {step} {100 * done:.1f} % loss {np.mean(losses):.3f} norm {float(norm):.2f}", flush=True)
            losses = []
        if time.monotonic() - saved > 90:
            save(arguments.out, model, average, optimizer, step, time.monotonic() - began)
            saved = time.monotonic()
        held = queue.get()
    save(arguments.out, model, average, optimizer, step, time.monotonic() - began)
    producer.terminate()


def save(out: Path, model: Enhancer, average: Enhancer, optimizer: torch.optim.Optimizer, step: int, used: float) -> None:
    """`network` holds the running average of the weights, which is what is evaluated and exported."""
    state = {"network": average.network.state_dict(), "current": model.network.state_dict(), "step": step, "used": used}
    torch.save({**state, "optimizer": optimizer.state_dict()}, out / "last.tmp")
    (out / "last.tmp").replace(out / "last.pt")


def held_out(corpus: Path, count: int, seconds: float = 4.0) -> dict[str, list[tuple[Signal, Signal]]]:
    """The same mixtures of the corpus's test part at each call, by SNR."""
    mixer = Mixer(
        load_groups(corpus / "speech" / "test"),
        load_groups(corpus / "noise" / "test"),
        int(seconds * RATE) // 256 * 256,
        np.random.default_rng(2026),
        augment=False,
    )
    return {f"{snr:+d} dB": [mixer.mixture(snr) for _ in range(count)] for snr in SNRS}


def pairs_in(folder: Path) -> dict[str, list[tuple[Signal, Signal]]]:
    """Pairs noisy.* and clean.* in folders below this one, by folder name up to its first '_'."""
    found: dict[str, list[tuple[Signal, Signal]]] = {}
    for noisy in sorted([*folder.rglob("noisy.wav"), *folder.rglob("noisy.flac")]):
        noisy_signal, clean_signal = (sf.read(path, dtype="float32")[0] for path in (noisy, noisy.with_stem("clean")))
        found.setdefault(noisy.parent.name.split("_")[0], []).append((noisy_signal, clean_signal))
    return found


def evaluate(arguments: argparse.Namespace) -> None:
    torch.set_num_threads(1)
    model = Enhancer()
    model.network.load_state_dict(torch.load(arguments.checkpoint, weights_only=True)["network"])
    model.eval()
    sets = pairs_in(arguments.pairs) if arguments.pairs else held_out(arguments.corpus, arguments.count)
    rows: list[list[float]] = []
    print(f"{'set':>10} {'clips':>5} {'noisy':>7} {'float':>7} {'int8 *':>7}   SI-SDR in dB; * simulated, step by step")
    for name, signals in sets.items():
        scores = [score(model, *(torch.from_numpy(signal)[None] for signal in pair)) for pair in signals]
        rows += scores
        print(f"{name:>10} {len(scores):5d} " + " ".join(f"{x:7.2f}" for x in np.mean(scores, axis=0)), flush=True)
    print(f"{'mean':>10} {len(rows):5d} " + " ".join(f"{x:7.2f}" for x in np.mean(rows, axis=0)))
    gains = np.array(rows)[:, 1] - np.array(rows)[:, 0]
    print(f"improvement: mean {gains.mean():.2f} dB, worst clip {gains.min():.2f} dB, best {gains.max():.2f} dB")


@torch.no_grad()
def score(model: Enhancer, noisy: torch.Tensor, clean: torch.Tensor) -> list[float]:
    """SI-SDR of the noisy signal, the float model's output and the simulated int8 model's output."""
    spectrum, features = model.front.analyse(noisy)
    masks = (model.network(features)[0], step_int8(model.network, features))
    length = clean.shape[1] // model.front.config.hop * model.front.config.hop
    outputs = [noisy, *(model.front.synthesise(spectrum, mask) for mask in masks)]
    return [float(si_sdr(output[:, :length], clean[:, :length])) for output in outputs]


def clips(arguments: argparse.Namespace) -> None:
    """Noisy training mixtures for calibrating a quantizer."""
    speech, noise = (load_groups(arguments.corpus / kind / "train") for kind in ("speech", "noise"))
    mixer = Mixer(speech, noise, 30 * RATE, np.random.default_rng(7))
    arguments.folder.mkdir(parents=True, exist_ok=True)
    for index in range(arguments.count):
        noisy, _ = mixer.mixture()
        sf.write(arguments.folder / f"mixture-{index:02d}.wav", noisy, RATE, subtype="PCM_16")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    command = commands.add_parser("train")
    command.set_defaults(action=train)
    command.add_argument("--corpus", type=Path, required=True)
    command.add_argument("--out", type=Path, required=True, help="folder of the checkpoint last.pt")
    command.add_argument("--minutes", type=float, default=45)
    command.add_argument("--batch", type=int, default=24)
    command.add_argument("--seconds", type=float, default=3.0, help="length of a training mixture")
    command.add_argument("--rate", type=float, default=2e-3, help="peak learning rate")
    command.add_argument("--carry", type=float, default=0.85, help="how often a batch goes on from the last one's states")
    command.add_argument("--threads", type=int, default=1)
    command.add_argument("--seed", type=int, default=1)
    command = commands.add_parser("eval")
    command.set_defaults(action=evaluate)
    command.add_argument("--checkpoint", type=Path, required=True)
    command.add_argument("--corpus", type=Path, help="folder whose test parts are mixed")
    command.add_argument("--count", type=int, default=20, help="mixtures per SNR")
    command.add_argument("--pairs", type=Path, help="evaluate clean/noisy pairs below this folder instead")
    command = commands.add_parser("clips", help="noisy training mixtures to calibrate a quantizer with")
    command.set_defaults(action=clips)
    command.add_argument("--corpus", type=Path, required=True)
    command.add_argument("--folder", type=Path, required=True)
    command.add_argument("--count", type=int, default=16)
    arguments = parser.parse_args()
    if arguments.command == "eval" and not (arguments.corpus or arguments.pairs):
        parser.error("eval needs --corpus or --pairs")
    arguments.action(arguments)


if __name__ == "__main__":
    main()

# SPDX-License-Identifier: Apache-2.0
"""models/README.md out of the networks' metrics.json, and tried.md at its end."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

MEASURES = (("si_sdr", 2), ("estoi", 3), ("pesq_wb", 2))
HEAD = """\
# Shipped networks

For those who choose a network to start with, or compare their own with ours: what each one costs, and what it does to speech on
three tests. Written by `python models/measure.py` from each network's `metrics.json`; do not edit. SI-SDR in dB; MACs of a
frame's network step.

- [In short](#in-short), [Cost](#cost)
- The tests: [held-out voices and noises](#held-out-voices-and-noises), [the second test](#the-second-test-60-mixtures),
  [the paper's own clips](#the-papers-own-clips-18-of-chime2), [10 minutes without a reset](#10-minutes-without-a-reset)
- [Other people's networks](#other-peoples-networks) on the held-out mixtures
- [What limits the result](#what-limits-the-result), and what was tried [for standard](#what-was-tried-for-standard) and
  [for low-delay](#what-was-tried-for-low-delay)
"""

FOR = {
    "baseline-256": "the float network that the others are measured against; no board holds it",
    "baseline-256-perceptual": "the same, trained for less audible noise",
    "standard": "to begin with, where 48 ms are no obstacle",
    "pruned": "the network of `codesign demo`",
    "standard-skip": "a lower average cost, by a gate",
    "low-latency": "a short delay with overlapping frames",
    "low-delay": "the shortest delay, by the [filter path](../docs/filter-path.md)",
    "m55": "boards with a Cortex-M55",
}
"""What each network is for, as its card says."""

TERMS = """\
- **int8** is the firmware's own C code run on this machine; **float** the same network unrounded, in onnxruntime.
- **bytes** are int8 weights with their biases and multipliers; "times smaller" and "times fewer" are against baseline-256 in
  float32 and its MACs. `average` is over all held-out mixtures; only a network with a skip gate has one below its worst frame.
- **delay** is that of the device from input to output: a frame and a hop, or half of the
  [filter](../docs/filter-path.md)'s taps and two blocks.
- **worst frame** is codesign verify's estimate for the nRF5340 DK or the board named, as of when the network was measured; the
  deadline is the hop, or what is left of it for the filter. [Performance](../docs/performance.md#the-worst-frame) has other
  boards and compilers.
"""

LIMITS = """\
## What limits the result

The corpus limits it. These networks had an hour of 229 English readers and some 30 other good voices, hardly any of them
English but for synthetic ones. They had no recorded rooms, and noises out of games and telephone exchanges
([the list](corpus/README.md)). baseline-256-perceptual had another 10 hours, half of them learners' English and half synthetic.

- The CHiME2 clips are one reverberant talker in a home with children, television, music and doors. The paper's networks were
  trained on that corpus, ours never heard it. What stays in the clips is mostly other talkers.
- PESQ and SI-SDR pull apart: baseline-256 has the higher SI-SDR, baseline-256-perceptual, trained with a term after PESQ, the
  higher PESQ.
- A teacher that heard 500 hours helps where it is strong. Trained on with it (and with a term against speech that is taken
  away), standard has 0.9 dB and 0.015 ESTOI more on the held-out mixtures than the network that it began with. It has nothing
  more on the clips, where that teacher is weak itself.

These networks are for trying the tool with: train on data like your own for quality.

No network was trained or calibrated on the clips, but they were looked at. The mixing's other talkers, knocks, thin talkers and
hiss, the wider equalization and the spectral weight came after seeing what networks left in them, and the weight of the
perceptual term was chosen for its balance on them. So their figures are kinder than those of a corpus that nobody looked at.
"""


def readme(models: Path, names: Sequence[str]) -> str:
    """The whole page."""
    found = {name: json.loads((models / name / "metrics.json").read_text()) for name in names if _measured(models / name)}
    base = found.get("baseline-256")
    unseen = json.loads((models / "unseen_scores.json").read_text()) if (models / "unseen_scores.json").exists() else None
    parts = [HEAD, _short(found, unseen), _cost(found, base), TERMS, _held_out(found), _stream(found)]
    if (models / "peers.json").exists():
        parts.append(_peers(json.loads((models / "peers.json").read_text()), found))
    if (models / "clips.json").exists():
        parts += [_clips(json.loads((models / "clips.json").read_text())), LIMITS]
    if unseen is not None:
        parts.append(_unseen(unseen))
    if (models / "tried.md").exists():
        parts.append((models / "tried.md").read_text(encoding="utf-8"))
    return "\n".join(parts)


def _measured(folder: Path) -> bool:
    return (folder / "metrics.json").exists()


def _short(found: dict[str, Any], unseen: dict[str, Any] | None) -> str:
    """Both tests side by side: what each network adds to the SI-SDR of the noisy signal."""
    lines = [
        "## In short\n",
        "What int8 adds to the SI-SDR of the noisy signal, in dB. The two tests differ in noise, talkers, ratios and pauses:",
        "[how](../docs/filter-path.md#two-tests-two-figures).\n",
        "| network | for | delay ms | held-out | second test |",
        "|---|---|---:|---:|---:|",
    ]
    for name, metrics in found.items():
        mean = metrics["held_out"]["mean"]
        gain = unseen["differences"].get(name, {}).get("noisy", {}).get("si_sdr") if unseen is not None else None
        row = (f"[{name}]({name}/CARD.md)", FOR.get(name, ""), f"{_delay_ms(metrics['front_end']):g}")
        lines.append("| " + " | ".join((*row, _signed(mean["int8"] - mean["noisy"]), _difference(gain, 2))) + " |")
    return "\n".join(lines) + "\n"


def _cost(found: dict[str, Any], base: dict[str, Any] | None) -> str:
    lines = [
        "## Cost\n",
        "| network | window / hop ms | delay ms | int8 bytes | times smaller | worst frame nrf5340dk | codesign verify |",
        "|---|---|---:|---:|---:|---:|---|",
    ]
    work = [
        "| network | MACs worst | times fewer | updates | MACs average | times fewer |",
        "|---|---:|---:|---:|---:|---:|",
    ]
    for name, metrics in found.items():
        cost, front, board = metrics["cost"], metrics["front_end"], metrics["board"]
        window, hop = (1000 * front[key] / front["sample_rate"] for key in ("window", "hop"))
        # Another hop is another task: its frames cannot be compared.
        same = base is not None and all(front[key] == value for key, value in base["front_end"].items() if key in front)
        ratios = [""] * 3
        if base is not None and same:
            ratios = [
                f"{base['cost']['float_bytes'] / cost['bytes']:.2f}",
                f"{base['cost']['macs'] / cost['macs']:.2f}",
                f"{base['cost']['macs'] / cost['average_macs']:.2f}",
            ]
        worst = f"{board['worst_ms']:.2f} ms ±{100 * board['error']:.0f} %" if "worst_ms" in board else ""
        worst += f" on {board['board']}" if board["board"] != "nrf5340dk" else ""
        proof = "PROVEN" if board.get("proven") else board.get("refused", "over the board's budget").split(";")[0]
        row = (name, f"{window:g} / {hop:g}", f"{_delay_ms(front):g}", f"{cost['bytes']:,}", ratios[0], worst, proof)
        lines.append("| " + " | ".join(row) + " |")
        macs = (f"{cost['macs']:,}", ratios[1], f"{100 * cost['updates']:.0f} %", f"{cost['average_macs']:,.0f}", ratios[2])
        work.append("| " + " | ".join((name, *macs)) + " |")
    if base is not None:
        lines.append(f"\nbaseline-256 in float32 has {base['cost']['float_bytes']:,} bytes.")
    return "\n".join([*lines, "", *work]) + "\n"


def _delay_ms(front: dict[str, Any]) -> float:
    """From input to output, with what waits to be played: a frame and a hop, or half of the filter's taps and two blocks."""
    filters = front.get("path") == "filter"
    samples = front["taps"] // 2 + 2 * front["block"] if filters else front["window"] + front["hop"]
    return 1000 * float(samples) / float(front["sample_rate"])


def _held_out(found: dict[str, Any]) -> str:
    pairs = next(iter(found.values()))["held_out"]["pairs"]
    lines = [
        "## Held-out voices and noises\n",
        f"{pairs} mixtures of 4 s. Voices and noise files that training never heard.\n",
        "| network | noisy | float | int8 | int8 against its float | gain | worst, best clip |",
        "|---|---:|---:|---:|---:|---:|---:|",
    ]
    other = ["", "| network | ESTOI noisy | ESTOI int8 | PESQ-WB noisy | PESQ-WB int8 |", "|---|---:|---:|---:|---:|"]
    for name, metrics in found.items():
        mean, gain = metrics["held_out"]["mean"], metrics["held_out"]["improvement"]
        has = "float" in mean
        lines.append(
            f"| {name} | {mean['noisy']:.2f} | {_db(mean, 'float')} | {mean['int8']:.2f} "
            f"| {_signed(mean['int8'] - mean['float']) if has else ''} | {_signed(mean['int8'] - mean['noisy'])} "
            f"| {gain['worst']:+.1f}, {gain['best']:+.1f} |"
        )
        other.append(
            f"| {name} | {mean['noisy_estoi']:.3f} | {mean['int8_estoi']:.3f} "
            f"| {mean['noisy_pesq']:.2f} | {mean['int8_pesq']:.2f} |"
        )
    lines += other
    groups = list(next(iter(found.values()))["held_out"]["by_group"])
    lines += [
        "",
        "int8 by ratio of speech to noise:\n",
        "| network | " + " | ".join(groups) + " |",
        "|---" + "|---:" * len(groups) + "|",
    ]
    for name, metrics in found.items():
        values = (f"{metrics['held_out']['by_group'][group]['int8']:.2f}" for group in groups)
        lines.append(f"| {name} | " + " | ".join(values) + " |")
    return "\n".join(lines) + "\n"


def _stream(found: dict[str, Any]) -> str:
    minutes = len(next(iter(found.values()))["stream"])
    lines = [
        f"## {minutes} minutes without a reset\n",
        "SI-SDR of each minute of one stream, less that of the same minute from fresh states: a drift would grow.\n",
        "| network | " + " | ".join(str(minute + 1) for minute in range(minutes)) + " |",
        "|---" + "|---:" * minutes + "|",
    ]
    lines += [f"| {name} | " + " | ".join(f"{v:+.2f}" for v in metrics["stream"]) + " |" for name, metrics in found.items()]
    return "\n".join(lines) + "\n"


def _peers(peers: dict[str, Any], ours: dict[str, Any]) -> str:
    pairs = next(iter(ours.values()))["held_out"]["pairs"]
    same = {name: peer["mean"] for name, peer in peers.items() if peer["pairs"] == pairs}
    lines = [
        "## Other people's networks\n",
        "The same held-out mixtures and measures in the same run; ours are int8. Theirs were trained on other data,",
        "and may have heard these voices and noises.\n",
        "| network | SI-SDR | ESTOI | PESQ-WB |",
        "|---|---:|---:|---:|",
    ]
    rows = {name: (metrics["held_out"]["mean"], "int8") for name, metrics in ours.items()}
    rows |= {name: (mean, name) for name, mean in same.items()}
    for name, (mean, key) in rows.items():
        lines.append(f"| {name} | {mean[key]:.2f} | {mean[f'{key}_estoi']:.3f} | {mean[f'{key}_pesq']:.2f} |")
    return "\n".join(lines) + "\n"


def _clips(found: dict[str, Any]) -> str:
    lines = [
        f"## The paper's own clips ({found['clips']} of CHiME2)\n",
        "An unseen corpus, for the report only; all signals cut to the shortest. Means:\n",
        "| | SI-SDR | ESTOI | PESQ-WB |",
        "|---|---:|---:|---:|",
    ]
    paired = [
        "",
        "The paired difference of each network from the paper's networks, int8 (`paper_int8_1`) and float (`paper_baseline`),",
        f"with its 95 % interval ({found.get('intervals', 'bootstrap')}):\n",
        "| | SI-SDR, int8 | SI-SDR, float | ESTOI, float | PESQ-WB, float |",
        "|---|---:|---:|---:|---:|",
    ]
    for system, means in found["means"].items():
        cells = [f"{means[key][0]:.{digits}f}" if key in means else "" for key, digits in MEASURES]
        lines.append(f"| {system} | " + " | ".join(cells) + " |")
        row = found["differences"].get(system, {})
        columns = [("paper_int8_1", "si_sdr", 2), *(("paper_baseline", key, digits) for key, digits in MEASURES)]
        cells = [_difference(row.get(baseline, {}).get(key), digits) for baseline, key, digits in columns]
        if any(cells):
            paired.append(f"| {system} | " + " | ".join(cells) + " |")
    return "\n".join([*lines, *paired]) + "\n"


def _unseen(found: dict[str, Any]) -> str:
    baselines = list(dict.fromkeys(baseline for row in found["differences"].values() for baseline in row))
    lines = [
        f"## The second test ({found['clips']} mixtures)\n",
        "Commands that volunteers spoke in their own rooms, with kitchens, bars, offices, streets, trains, rain and machines:",
        "recordings of which no network here heard any, mixed once and frozen ([unseen.py](unseen.py)); not looked at while",
        "training. Networks of other people may have heard them. Ours are int8. Each table has the mean, then the paired",
        f"difference of each network from others, with its 95 % interval ({found['intervals']}).",
    ]
    for (key, digits), title in zip(MEASURES, ("SI-SDR, dB", "ESTOI", "PESQ-WB"), strict=True):
        lines += [
            "",
            f"| {title} | mean | " + " | ".join(f"less {baseline}" for baseline in baselines) + " |",
            "|---|---:" + "|---:" * len(baselines) + "|",
        ]
        for system, means in found["means"].items():
            row = found["differences"].get(system, {})
            cells = [f"{means[key][0]:.{digits}f}", *(_difference(row.get(b, {}).get(key), digits) for b in baselines)]
            lines.append(f"| {system} | " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def _difference(interval: list[float] | None, digits: int) -> str:
    if interval is None:
        return ""
    mean, low, high = (f"{value:+.{digits}f}" for value in interval)
    return f"{mean} [{low}, {high}]"


def _db(mean: dict[str, float], key: str) -> str:
    return f"{mean[key]:.2f}" if key in mean else ""


def _signed(value: float) -> str:
    return f"{value:+.2f}"

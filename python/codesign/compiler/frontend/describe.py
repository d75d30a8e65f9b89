# SPDX-License-Identifier: Apache-2.0
"""A chain in a few lines of text."""

from __future__ import annotations

import math

from codesign.compiler.frontend.capture import captures
from codesign.compiler.frontend.chain import Chain
from codesign.compiler.frontend.compressor import spl_of
from codesign.compiler.frontend.filter_path import filter_lag
from codesign.compiler.frontend.makeup import makeup_of
from codesign.compiler.frontend.output_stage import level_of, mix_of
from codesign.compiler.frontend.programs import program_names
from codesign.compiler.frontend.resampler import PHASE_TAPS
from codesign.compiler.frontend.windows import ASYMMETRIC, overlap_gain, synthesis_length

_BANDS = {"mel": "mel bands", "slaney": "Slaney mel bands", "erb": "ERB bands", "matrix": "bands of its own matrix"}
_RUNNING = {
    "mean": "less the mean",
    "mean_deviation": "less the mean, over the deviation",
    "unit": "over the root of the size",
}
_IDENTITY = 1e-6


def describe(*chains: Chain) -> list[str]:
    """One line a step, from PCM to PCM: of one chain, or of those of networks in a row."""
    chain = chains[0]
    padded = f" in {chain.n_fft}" if chain.n_fft != chain.window and chain.transforms else ""
    lines = [
        *_first(chain),
        f"→ frames of {chain.window}{padded} samples ({_ms(chain, chain.window)}) every {chain.hop} ({_ms(chain, chain.hop)}), "
        f"window {chain.window_kind}",
    ]
    frames = True
    for number, chain in enumerate(chains, 1):
        if chain.feature == "frame":
            back = "" if frames else f"inverse rfft {chain.n_fft} → "
            lines.append(f"→ {back}the frame itself ({chain.window})")
        else:
            lines.append(f"→ {f'rfft {chain.n_fft} → ' if frames else ''}{_feature(chain)}")
        which = f" {number}" if len(chains) > 1 else ""
        lines += [f"→ network{which}, {chain.n_features} → {chain.n_outputs}", f"→ {_output(chain)}"]
        frames = chain.output == "frame"
    if chain.filters:
        later = f"{_ms(chain, filter_lag(chain))} after their hop"
        if chain.phase == "linear":
            made = f"inverse rfft {chain.n_fft}, Hann window"
        else:
            made = f"logarithm, inverse rfft {chain.n_fft}, minimum phase"
        lines.append(f"→ {made} → filter of {chain.taps} taps ({chain.filter_type}), used from {later} on")
        lines.append(f"PCM in blocks of {chain.block} → that filter → PCM, {_ms(chain, chain.latency_samples)} later")
        return [*lines, *_last(chain)]
    back = "" if frames else f"inverse rfft {chain.n_fft} → "
    lines.append(f"→ {back}overlap-add, {_synthesis(chain)} → PCM, {_ms(chain, chain.latency_samples)} later")
    return [*lines, *_last(chain)]


def _first(chain: Chain) -> list[str]:
    ends, beam = chain.ends, chain.beamformer
    if not captures(chain):
        return [f"PCM, {chain.sample_rate:,} Hz"]
    lines = [f"PCM, {ends.rate:,} Hz{f', {ends.channels} microphones' if beam else ''}"]
    if beam is not None:
        kind = f"delay and sum to {beam.direction:g}°"
        if beam.kind == "differential":
            kind = f"differential, null at {beam.null:g}°, flat down to {beam.low:g} Hz"
        lines.append(f"→ beamformer, {kind}, microphones {beam.spacing:g} mm apart")
    if chain.resample > 1:
        lines.append(
            f"→ low pass of {chain.resample * PHASE_TAPS} taps, one sample of {chain.resample}: {chain.sample_rate:,} Hz"
        )
    return lines


def _last(chain: Chain) -> list[str]:
    lines = []
    if mix_of(chain) is not None:
        limit = "" if chain.attenuation_limit is None else f", at most {chain.attenuation_limit:g} dB less of it"
        strength = "" if chain.strength is None else f", strength {chain.strength} %"
        lines.append(f"→ mixed with the delayed input{limit}{strength}")
    if (compressor := chain.compressor) is not None:
        bands = f"{compressor.frequencies[0]:g}…{compressor.frequencies[-1]:g} Hz ({len(compressor.frequencies)})"
        times = f"attack {compressor.attack:g} ms, release {compressor.release:g} ms"
        meter = f"level {compressor.meter} the network, {spl_of(chain)[0]:g} dB SPL at full scale"
        back = makeup_of(chain) if compressor.makeup else ()
        makeup = f", makeup {min(back):.1f}…{max(back):.1f} dB" if back else ""
        lines.append(f"→ compression in bands of {bands}, {meter}, {times}{makeup}")
    if captures(chain):
        up = f"{chain.resample} samples for each, low pass: {chain.ends.rate:,} Hz, " if chain.resample > 1 else ""
        late = 1000.0 * chain.ends.latency / chain.ends.rate
        lines.append(f"→ {up}{late:g} ms later in all{', in both channels' if chain.beamformer else ''}")
    for key, what in (("limiter_rms", "limiter of the RMS"), ("limiter", "limiter")):
        level = level_of(chain, key)
        if level is not None:
            times = f"attack {getattr(chain, f'{key}_attack'):g} ms, release {getattr(chain, f'{key}_release'):g} ms"
            lines.append(f"→ {what} at {level:g} dBFS, {times}")
    if chain.programs:
        names = ", ".join(f"{number} {name}" for number, name in enumerate(program_names(chain)))
        lines.append(f"programs: {names}; {chain.program} at first")
    return lines


def _feature(chain: Chain) -> str:
    if chain.feature == "spectrum":
        text = f"complex spectrum, re and im {_layout(chain)}"
    else:
        size = "power" if chain.of_power else "magnitude"
        text = f"{size} in {_BANDS[chain.bands]}" if chain.has_bands else size
        if chain.bands in ("mel", "slaney", "erb"):
            text += f" {chain.f_min:g}…{chain.f_max:g} Hz"
        text += _compression(chain)
    if chain.running != "none":
        text += f", {_RUNNING[chain.running]} of the past, {'over all' if chain.running_over == 'all' else 'one each'}"
        text += f", smoothed by {chain.running_smoothing:.6g}"
    if chain.mean or chain.deviation:
        text += ", less its mean, over its deviation"
    return f"{text} ({chain.n_features})"


def _compression(chain: Chain) -> str:
    match chain.compression:
        case "none":
            return ""
        case "power":
            return f" ^ {chain.exponent:g}"
        case kind:
            offset = f" of {chain.offset:g} +" if chain.offset else ""
            return f", {kind}{offset}, floor {chain.floor:.3g}"


def _output(chain: Chain) -> str:
    if chain.output != "gains":
        words = {
            "mask": f"complex mask of {chain.n_bins} bins, re and im {_layout(chain)}",
            "spectrum": f"enhanced spectrum of {chain.n_bins} bins, re and im {_layout(chain)}",
            "frame": f"enhanced frame ({chain.window})",
        }
        return words[chain.output]
    text = {"bands": f"gains of {chain.n_mels} bands, over {chain.n_bins} bins", "bins": f"gains of {chain.n_bins} bins"}.get(
        chain.gains, f"{chain.n_outputs} gains, by its own matrix over {chain.n_bins} bins"
    )
    low, high = chain.gain_limits
    if (low, high) != (-math.inf, math.inf):
        text += f", within {low:g}…{high:g}"
    return text


def _layout(chain: Chain) -> str:
    return "in turn" if chain.layout == "interleaved" else "one after the other"


def _synthesis(chain: Chain) -> str:
    low, high = overlap_gain(chain)
    gain = "" if max(abs(low - 1), abs(high - 1)) < _IDENTITY else f", gain {low:.4g}" + (f"…{high:.4g}" if high > low else "")
    if chain.window_kind == ASYMMETRIC:
        return f"of the last {synthesis_length(chain)} samples{gain}"
    return f"window {chain.synthesis_kind}{gain}" if chain.synthesis_kind != "sum" else f"plain sum{gain}"


def _ms(chain: Chain, samples: int) -> str:
    return f"{1000.0 * samples / chain.sample_rate:g} ms"

# SPDX-License-Identifier: Apache-2.0
"""C of a chain that has a frame of its own: its tables, and the calls of the runtime's pieces."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from codesign.compiler.emit.compression import CompressionCode
from codesign.compiler.emit.names import layer_identifier
from codesign.compiler.frontend import (
    BandedMatrix,
    Chain,
    analysis_bank,
    analysis_window,
    gains_bank,
    synthesis_window,
)
from codesign.compiler.frontend.chain import FLOOR
from codesign.compiler.frontend.fft_tables import fft_split, fft_twiddles, is_power_of_two, mixed_radices
from codesign.compiler.frontend.filter_path import (
    LEAST_GAIN,
    early_taper,
    fade_samples,
    filter_delay,
    filter_lag,
    fixed_step,
    is_fixed,
    taper,
)
from codesign.compiler.frontend.logarithm import log_scale
from codesign.compiler.frontend.running import smoothing
from codesign.compiler.frontend.windows import synthesis_length
from codesign.compiler.layers import Value
from codesign.compiler.layers.literals import float_literal
from codesign.compiler.lower.network import Network
from codesign.compiler.plan import BufferKey, MemoryPlan
from codesign.compiler.plan.memory import GAINS, INPUT, running_starts
from codesign.compiler.reference.features import mean_and_factor

Tables = dict[str, npt.NDArray[Any]]
_NO_LIMIT = 3.0e38
_FILTER_STATE = "(void *)(memory + at->overlap)"


def chain_file(
    network: Network, plan: MemoryPlan, model: str, render: Callable[..., str], arrays: Callable[[Tables], list[Any]]
) -> str:
    """The text of `<model>_frontend.c` with `<model>_frame` in it, and what is between networks in a row."""
    shared = Shared({}, [], model)
    starts = running_starts(network)
    running = {name: plan.buffers[BufferKey("front end", name)].offset for name in starts}
    first = _ChainCode(network.frontend, shared, "", running)
    last = first if len(network.row) == 1 else _ChainCode(network.back_end, shared, f"_{len(network.row)}", running)
    if last.chain.filters:
        last.make_filters()
    kept = Kept(_kept(plan, GAINS), _kept(plan, INPUT))
    if last.chain.compressor is not None:
        last.compression = CompressionCode(last.chain, plan, shared)
    features, mask = network.values[network.input], network.values[network.output]
    stages = {"analysis": first.analysis(), "features": first.features(features, "at->features")}
    hand_overs = {}
    before = first
    # The level of the input has to be taken before the first network changes the spectrum.
    measured = last.compression.level("0", before=True) if last.compression and network.hand_overs else []
    for number, each in enumerate(network.hand_overs, 2):
        after = last if number == len(network.row) else _ChainCode(each.second, shared, f"_{number}", running)
        source, target = (f"{plan.value(name).offset}" for name in (each.source, each.output))
        lines, measured = measured, []
        if before is first and kept.spectrum:
            lines.append(f"memcpy({kept.spectrum}, spectrum, {8 * first.chain.n_bins});")
        lines += before.handed(network.values[each.source], source, kept, first=before is first)
        lines += before.as_frame() if each.second.feature == "frame" and each.first.output != "frame" else []
        lines += after.as_spectrum(each.first)
        hand_overs[layer_identifier(model, each.name)] = lines + after.features(network.values[each.output], target)
        before = after
    stages |= {"mask": last.mask(mask, "at->mask", kept), "synthesis": last.synthesis()}
    tables = arrays(shared.tables)
    return render("chain.c.j2", arrays=tables, structs=shared.structs, stages=stages, hand_overs=hand_overs)


def filter_numbers(chain: Chain) -> str:
    """The members of a cs_filter_path."""
    fade = fade_samples(chain)
    numbers = (chain.taps, chain.hop, filter_lag(chain), fade, filter_delay(chain))
    return f"{', '.join(map(str, numbers))}, {float_literal(1.0 / fade)}, {fixed_step(chain)}"


def filter_function(chain: Chain, arithmetic: str = "float32") -> str:
    """The C function that filters samples."""
    return f"cs_filter_samples{'_s16' if is_fixed(chain, arithmetic) else ''}"


@dataclass(frozen=True)
class Shared:
    """What the lines of all chains of a model name: its tables, structs that point at them, and the model."""

    tables: Tables
    structs: list[str]
    model: str

    def name(self, part: str) -> str:
        """The C name of a part of this model's front end."""
        return f"{self.model}_{part}"


@dataclass(frozen=True)
class Kept:
    """Expressions of what networks in a row keep for the last one, "" where it is not needed: the product of their gains, and
    the spectrum of the input.
    """

    gains: str = ""
    spectrum: str = ""


def _kept(plan: MemoryPlan, name: str) -> str:
    buffer = plan.buffers.get(BufferKey("front end", name))
    return "" if buffer is None else f"(float *)(void *)(memory + {buffer.offset})"


class _ChainCode:
    """The lines of one chain, and what they name: tables of its own have `suffix` after what they are."""

    def __init__(self, chain: Chain, shared: Shared, suffix: str, running: Mapping[str, int]) -> None:
        """`running` are offsets of what is kept for a normalization, by the names of the buffers."""
        self.chain, self._shared, self._suffix, self._running = chain, shared, suffix, running
        self.compression: CompressionCode | None = None
        if chain.transforms:
            self._fft()

    def analysis(self) -> list[str]:
        self._shared.tables["analysis_window"] = analysis_window(self.chain)
        window = self._name("analysis_window")
        lines = [f"cs_take_frame(&{self._name('frontend')}, {window}, (void *)(memory + at->history), in, spectrum);"]
        return [*lines, *(self._transform("rfft") if self.chain.feature != "frame" else [])]

    def features(self, value: Value, offset: str) -> list[str]:
        """From the spectrum's buffer, a frame or a spectrum, to the network's input at `offset` of the memory."""
        chain, count = self.chain, self.chain.n_features
        lines, source = self._sizes() if chain.of_sizes else self._values()
        if chain.running != "none":
            more, source = self._normalize(source)
            lines += more
        if chain.mean or chain.deviation:
            mean, factor = mean_and_factor(chain)
            means, factors = f"mean{self._suffix}", f"deviation{self._suffix}"
            self._shared.tables.update({means: mean, factors: factor})
            steps = f"{int(mean.size > 1)}, {self._name(factors)}, {int(factor.size > 1)}"
            # Values that are the frame or the spectrum themselves are needed again.
            target = source if source.startswith("work") else "work"
            lines.append(f"cs_standardize({source}, {count}, {self._name(means)}, {steps}, {target});")
            source = target
        target = f"(void *)(memory + {offset})"
        if value.dtype == "float32":
            lines.append(f"memcpy({target}, {source}, {4 * count});")
        else:
            kind, zero_point = ("s8", f"{value.zero_point}, ") if value.dtype == "int8" else ("s16", "")
            lines.append(f"cs_quantize_{kind}({source}, {count}, {float_literal(value.scale)}, {zero_point}{target});")
        return lines + (self._transform("rfft") if chain.feature == "frame" and chain.transforms else [])

    def handed(self, value: Value, offset: str, kept: Kept, *, first: bool) -> list[str]:
        """As `mask`, of a network that others follow."""
        if not kept.gains:
            return self._masked(value, offset, kept)
        bins = self.chain.n_bins
        keep = f"memcpy({kept.gains}, work, {4 * bins});" if first else f"cs_multiply_gains({kept.gains}, work, {bins});"
        return [*self._gains(value, offset), keep, f"cs_apply_gains(spectrum, work, {bins});"]

    def mask(self, value: Value, offset: str, kept: Kept) -> list[str]:
        """From the network's output at `offset` of the memory to the spectrum's buffer, an enhanced spectrum or frame, or to
        the next filter.
        """
        compression = self.compression
        lines = self._masked(value, offset, kept)
        if compression is None:
            return lines
        measured = [] if self._suffix else compression.level("0", before=True)
        if self.chain.filters:
            return [*measured, *lines]
        mixed = compression.mixed_with(kept.spectrum) if kept.spectrum else []
        return [*measured, *lines, *mixed, *compression.applied()]

    def _masked(self, value: Value, offset: str, kept: Kept) -> list[str]:
        chain, bins = self.chain, self.chain.n_bins
        compression = None if kept.spectrum else self.compression  # else the input is mixed in later
        parts = "work, work + 1, 2" if chain.layout == "interleaved" else f"work, work + {bins}, 1"
        work = self._dequantize(value, offset, "work")
        match chain.output, chain.layout:
            case "gains", _:
                return self._used_gains(self._gains(value, offset), kept)
            case "mask", _:
                mixed = compression.mixed_mask(parts) if compression else []
                return [work, *mixed, f"cs_apply_complex_mask(spectrum, {parts}, {bins});"]
            case "spectrum", _ if compression:
                return [work, *compression.mixed_spectrum(parts)]
            case "spectrum", "planes":
                return [work, f"cs_from_planes(work, {bins}, spectrum);"]
            case _:
                return [self._dequantize(value, offset, "spectrum")]

    def synthesis(self) -> list[str]:
        if self.chain.filters:
            return [f"{filter_function(self.chain)}(&{self._name('filter')}, {_FILTER_STATE}, in, out, {self.chain.hop});"]
        back = [] if self.chain.output == "frame" else self._transform("irfft")
        first = self.chain.window - synthesis_length(self.chain)
        self._shared.tables["synthesis_window"] = synthesis_window(self.chain)[first:]
        size, frame = self._name("frontend"), "spectrum"
        if first:
            size, frame = self._name("synthesis_size"), f"spectrum + {first}"
            members = f".window = {self.chain.window - first}, .hop = {self.chain.hop}"
            self._shared.structs.append(f"static const cs_frame_size {size} = {{ {members} }};")
        names = f"&{size}, {frame}, {self._name('synthesis_window')}"
        return [*back, f"cs_overlap_add({names}, (void *)(memory + at->overlap), out);"]

    def as_frame(self) -> list[str]:
        """An enhanced spectrum becomes a frame."""
        return self._transform("irfft")

    def as_spectrum(self, before: Chain) -> list[str]:
        """A frame that another network gave, as its chain `before` says, becomes what `features` starts from."""
        chain = self.chain
        given = "frame" in (before.output, chain.feature)
        rest = f"memset(spectrum + {chain.window}, 0, {4 * (chain.n_fft - chain.window)});"
        lines = [rest] if given and chain.transforms and chain.n_fft > chain.window else []
        return lines + (self._transform("rfft") if given and chain.feature != "frame" else [])

    def _normalize(self, source: str) -> tuple[list[str], str]:
        """The running normalization of the features at `source`, and where they are then: never in the spectrum's buffer."""
        chain, keep = self.chain, smoothing(self.chain)
        n, name = chain.n_bins if chain.running == "unit" else chain.n_features, f"running{self._suffix}"
        scale = 1.0 / n if chain.running_over == "all" else 0.0
        numbers = ", ".join(map(float_literal, (float(keep[0]), float(keep[1]), scale, chain.running_floor)))
        self._shared.structs.append(f"static const cs_running {self._name(name)} = {{ {numbers} }};")
        target = source if source.startswith("work") else "work"
        struct, state = f"&{self._name(name)}", f"(float *)(memory + {self._running[name]})"
        if chain.running == "unit":
            step, apart = (2, "1") if chain.layout == "interleaved" else (1, str(n))
            parts = f"{source}, {source} + {apart}, {step}, {n}, {state}, {target}, {target} + {apart}"
            return [f"cs_running_unit({struct}, {parts});"], target
        lines = [f"cs_running_mean({struct}, {source}, {n}, {state}, {target});"]
        if chain.running == "mean_deviation":
            lines.append(f"cs_running_deviation({struct}, {target}, {n}, {state} + {chain.n_running});")
        return lines, target

    def _sizes(self) -> tuple[list[str], str]:
        chain, bins = self.chain, self.chain.n_bins
        lines = [f"cs_{'powers' if chain.of_power else 'magnitudes'}(spectrum, {bins}, work);"]
        source = "work"
        if chain.has_bands:
            source = f"work + {bins}"
            lines.append(f"cs_banded_multiply(&{self._banded('mel', analysis_bank(chain))}, work, {source});")
        count, floor = chain.n_features, float_literal(chain.floor)
        if chain.compression in ("log", "log10"):
            constants = f"{float_literal(chain.offset)}, {floor}, {float_literal(float(log_scale(chain.compression)))}"
            return [*lines, f"cs_logarithm({source}, {count}, {constants});"], source
        if chain.floor != FLOOR:
            lines.append(f"cs_floor({source}, {count}, {floor});")
        if chain.compression == "power":
            lines.append(f"cs_power({source}, {count}, {float_literal(chain.exponent)});")
        return lines, source

    def _values(self) -> tuple[list[str], str]:
        """Of the frame or the spectrum as they are."""
        if self.chain.feature == "spectrum" and self.chain.layout == "planes":
            return [f"cs_to_planes(spectrum, {self.chain.n_bins}, work);"], "work"
        return [], "spectrum"

    def _gains(self, value: Value, offset: str) -> list[str]:
        chain, bins = self.chain, self.chain.n_bins
        direct = chain.gains == "bins"
        source = "work" if direct else f"work + {bins}"
        lines = [self._dequantize(value, offset, source)]
        if chain.gain_min is not None or chain.gain_max is not None:
            low, high = (float_literal(min(max(limit, -_NO_LIMIT), _NO_LIMIT)) for limit in chain.gain_limits)
            lines.append(f"cs_limit_gains({source}, {chain.n_outputs}, {low}, {high});")
        if not direct:
            lines.append(f"cs_banded_multiply(&{self._banded('bins', gains_bank(chain))}, {source}, work);")
        return lines

    def _used_gains(self, lines: list[str], kept: Kept) -> list[str]:
        """What becomes of gains of bins that `lines` bring to the work buffer."""
        compression, bins = self.compression, self.chain.n_bins
        if not self.chain.filters:
            mixed = compression.mixed_gains() if compression and not kept.spectrum else []
            return [*lines, *mixed, f"cs_apply_gains(spectrum, work, {bins});"]
        if kept.gains:
            lines = [*lines, f"cs_multiply_gains(work, {kept.gains}, {bins});"]
        if compression:
            heard = kept.spectrum or "spectrum"
            level = compression.level("work", before=False, spectrum=heard)
            lines = [*lines, *compression.mixed_gains(), *level, *compression.multiplied()]
        return [*lines, *self._next_filter()]

    def _next_filter(self) -> list[str]:
        """From the gains in the work buffer."""
        chain, bins = self.chain, self.chain.n_bins
        lines = [f"cs_gains_spectrum(work, {bins}, spectrum);", *self._transform("irfft")]
        if chain.phase == "minimum":
            lines.insert(0, f"cs_logarithm(work, {bins}, 0.0f, {float_literal(LEAST_GAIN)}, 1.0f);")
            lines.append(f"cs_filter_minimum({chain.taps}, spectrum, work);")
        else:
            early = {"early_taper": early_taper(chain)} if chain.filter_delay else {}
            self._shared.tables.update({"taper": taper(chain), **early})
            tapers = f"{self._name('early_taper' if chain.filter_delay else 'taper')}, {self._name('taper')}"
            lines.append(f"cs_filter_linear({chain.taps}, {filter_delay(chain)}, {tapers}, spectrum, work);")
        name = "cs_filter_next_s16" if is_fixed(chain, "float32") else "cs_filter_next"
        return [*lines, f"{name}(&{self._name('filter')}, {_FILTER_STATE}, work);"]

    def _dequantize(self, value: Value, offset: str, target: str) -> str:
        kind = "s8" if value.dtype == "int8" else "s16"
        constants = f"{value.size}, {float_literal(value.scale)}, {value.zero_point}"
        return f"cs_dequantize_{kind}((const void *)(memory + {offset}), {constants}, {target});"

    def _transform(self, name: str) -> list[str]:
        mixed = "" if is_power_of_two(self.chain.n_fft) else "_mixed"
        return [f"cs_{name}{mixed}(&{self._name('fft')}, spectrum, work);"]

    def _fft(self) -> None:
        n = self.chain.n_fft
        if "fft_twiddles" in self._shared.tables:  # all chains of a model have one length
            return
        self._shared.tables.update({"fft_twiddles": fft_twiddles(n), "fft_split": fft_split(n)})
        tables = f"{{ {n}, {self._name('fft_twiddles')}, {self._name('fft_split')} }}"
        if is_power_of_two(n):
            self._shared.structs.append(f"static const cs_fft {self._name('fft')} = {tables};")
        else:
            radices = mixed_radices(n)
            rest = f"{len(radices)}, {{ {', '.join(map(str, radices))} }}"
            self._shared.structs.append(f"static const cs_mixed_fft {self._name('fft')} = {{ {tables}, {rest} }};")

    def make_filters(self) -> None:
        """What the filter path's functions are told: of the chain whose gains become filters."""
        self._shared.structs.append(f"const cs_filter_path {self._name('filter')} = {{ {filter_numbers(self.chain)} }};")

    def _banded(self, name: str, matrix: BandedMatrix) -> str:
        """Its struct's name."""
        name += self._suffix
        weights = matrix.weights if matrix.weights.size else np.zeros(1, np.float32)
        self._shared.tables.update({f"{name}_start": matrix.start, f"{name}_length": matrix.length, f"{name}_weights": weights})
        parts = ", ".join(self._name(f"{name}_{part}") for part in ("start", "length", "weights"))
        self._shared.structs.append(
            f"static const cs_banded {self._name(name)} = {{ {matrix.rows}, {matrix.columns}, {parts} }};"
        )
        return self._name(name)

    def _name(self, part: str) -> str:
        return self._shared.name(part)

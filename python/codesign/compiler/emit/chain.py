# SPDX-License-Identifier: Apache-2.0
"""C of a chain that has a frame of its own: its tables, and the calls of the runtime's pieces."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

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
from codesign.compiler.frontend.filter_path import fade_samples, filter_lag, taper
from codesign.compiler.frontend.logarithm import log_scale
from codesign.compiler.layers import Value
from codesign.compiler.layers.literals import float_literal
from codesign.compiler.lower.network import Network
from codesign.compiler.reference.features import mean_and_factor

Tables = dict[str, npt.NDArray[Any]]
_NO_LIMIT = 3.0e38


def chain_file(network: Network, model: str, render: Callable[..., str], arrays: Callable[[Tables], list[Any]]) -> str:
    """The text of `<model>_frontend.c` with `<model>_frame` in it."""
    chain = network.frontend
    code = _ChainCode(chain, model, network.values[network.input], network.values[network.output])
    stages = {"analysis": code.analysis(), "features": code.features(), "mask": code.mask(), "synthesis": code.synthesis()}
    return render("chain.c.j2", arrays=arrays(code.tables), structs=code.structs, stages=stages)


class _ChainCode:
    """Gathers the tables and constants that the stages' lines name."""

    def __init__(self, chain: Chain, model: str, features: Value, outputs: Value) -> None:
        self._chain, self._model, self._features, self._outputs = chain, model, features, outputs
        self.tables: Tables = {"analysis_window": analysis_window(chain)}
        self.tables |= {"taper": taper(chain)} if chain.filters else {"synthesis_window": synthesis_window(chain)}
        self.structs: list[str] = []
        if chain.transforms:
            self._fft()
        if chain.filters:
            self._filter_path()

    def analysis(self) -> list[str]:
        window = self._name("analysis_window")
        lines = [f"cs_take_frame(&{self._name('frontend')}, {window}, (void *)(memory + at->history), in, spectrum);"]
        return [*lines, *(self._transform("rfft") if self._chain.feature != "frame" else [])]

    def features(self) -> list[str]:
        chain, count = self._chain, self._chain.n_features
        lines, source = self._sizes() if chain.of_sizes else self._values()
        if chain.mean or chain.deviation:
            mean, factor = mean_and_factor(chain)
            self.tables |= {"mean": mean, "deviation": factor}
            steps = f"{int(mean.size > 1)}, {self._name('deviation')}, {int(factor.size > 1)}"
            # Values that are the frame or the spectrum themselves are needed again.
            target = source if source.startswith("work") else "work"
            lines.append(f"cs_standardize({source}, {count}, {self._name('mean')}, {steps}, {target});")
            source = target
        value, target = self._features, "(void *)(memory + at->features)"
        zero_point = f"{value.zero_point}, " if value.dtype == "int8" else ""
        kind = "s8" if value.dtype == "int8" else "s16"
        lines.append(f"cs_quantize_{kind}({source}, {count}, {float_literal(value.scale)}, {zero_point}{target});")
        return lines + (self._transform("rfft") if chain.feature == "frame" and chain.transforms else [])

    def mask(self) -> list[str]:
        chain, bins = self._chain, self._chain.n_bins
        match chain.output, chain.layout:
            case "gains", _:
                return self._gains()
            case "mask", layout:
                parts = "work, work + 1, 2" if layout == "interleaved" else f"work, work + {bins}, 1"
                return [self._dequantize("work"), f"cs_apply_complex_mask(spectrum, {parts}, {bins});"]
            case "spectrum", "planes":
                return [self._dequantize("work"), f"cs_from_planes(work, {bins}, spectrum);"]
            case _:
                return [self._dequantize("spectrum")]

    def synthesis(self) -> list[str]:
        if self._chain.filters:
            return [f"cs_filter_samples(&{self._name('filter')}, (void *)(memory + at->overlap), in, out, {self._chain.hop});"]
        back = [] if self._chain.output == "frame" else self._transform("irfft")
        names = f"&{self._name('frontend')}, spectrum, {self._name('synthesis_window')}"
        return [*back, f"cs_overlap_add({names}, (void *)(memory + at->overlap), out);"]

    def _sizes(self) -> tuple[list[str], str]:
        chain, bins = self._chain, self._chain.n_bins
        lines = [f"cs_{'powers' if chain.of_power else 'magnitudes'}(spectrum, {bins}, work);"]
        source = "work"
        if chain.has_bands:
            self._banded("mel", analysis_bank(chain))
            source = f"work + {bins}"
            lines.append(f"cs_banded_multiply(&{self._name('mel')}, work, {source});")
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
        if self._chain.feature == "spectrum" and self._chain.layout == "planes":
            return [f"cs_to_planes(spectrum, {self._chain.n_bins}, work);"], "work"
        return [], "spectrum"

    def _gains(self) -> list[str]:
        chain, bins = self._chain, self._chain.n_bins
        direct = chain.gains == "bins"
        source = "work" if direct else f"work + {bins}"
        lines = [self._dequantize(source)]
        if chain.gain_min is not None or chain.gain_max is not None:
            low, high = (float_literal(min(max(limit, -_NO_LIMIT), _NO_LIMIT)) for limit in chain.gain_limits)
            lines.append(f"cs_limit_gains({source}, {chain.n_outputs}, {low}, {high});")
        if not direct:
            self._banded("bins", gains_bank(chain))
            lines.append(f"cs_banded_multiply(&{self._name('bins')}, {source}, work);")
        if chain.filters:
            design = f"cs_filter_design(&{self._name('filter')}, (void *)(memory + at->overlap), spectrum);"
            return [*lines, f"cs_gains_spectrum(work, {bins}, spectrum);", *self._transform("irfft"), design]
        return [*lines, f"cs_apply_gains(spectrum, work, {bins});"]

    def _dequantize(self, target: str) -> str:
        value = self._outputs
        kind = "s8" if value.dtype == "int8" else "s16"
        constants = f"{value.size}, {float_literal(value.scale)}, {value.zero_point}"
        return f"cs_dequantize_{kind}((const void *)(memory + at->mask), {constants}, {target});"

    def _transform(self, name: str) -> list[str]:
        mixed = "" if is_power_of_two(self._chain.n_fft) else "_mixed"
        return [f"cs_{name}{mixed}(&{self._name('fft')}, spectrum, work);"]

    def _fft(self) -> None:
        n = self._chain.n_fft
        self.tables |= {"fft_twiddles": fft_twiddles(n), "fft_split": fft_split(n)}
        tables = f"{{ {n}, {self._name('fft_twiddles')}, {self._name('fft_split')} }}"
        if is_power_of_two(n):
            self.structs.append(f"static const cs_fft {self._name('fft')} = {tables};")
        else:
            radices = mixed_radices(n)
            rest = f"{len(radices)}, {{ {', '.join(map(str, radices))} }}"
            self.structs.append(f"static const cs_mixed_fft {self._name('fft')} = {{ {tables}, {rest} }};")

    def _filter_path(self) -> None:
        chain, fade = self._chain, fade_samples(self._chain)
        numbers = f"{chain.taps}, {chain.hop}, {filter_lag(chain)}, {fade}, {float_literal(1.0 / fade)}"
        self.structs.append(f"const cs_filter_path {self._name('filter')} = {{ {numbers}, {self._name('taper')} }};")

    def _banded(self, name: str, matrix: BandedMatrix) -> None:
        weights = matrix.weights if matrix.weights.size else np.zeros(1, np.float32)
        self.tables |= {f"{name}_start": matrix.start, f"{name}_length": matrix.length, f"{name}_weights": weights}
        parts = ", ".join(self._name(f"{name}_{part}") for part in ("start", "length", "weights"))
        self.structs.append(f"static const cs_banded {self._name(name)} = {{ {matrix.rows}, {matrix.columns}, {parts} }};")

    def _name(self, part: str) -> str:
        return f"{self._model}_{part}"

# SPDX-License-Identifier: Apache-2.0
"""C of a chain's compressor, and of strength in the spectrum before it: their tables and the calls of the runtime's pieces."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from codesign.compiler.frontend import Chain
from codesign.compiler.frontend.compressor import compressor_tables
from codesign.compiler.frontend.output_stage import mix_of
from codesign.compiler.frontend.programs import program_chains
from codesign.compiler.layers.literals import float_literal
from codesign.compiler.plan import BufferKey, MemoryPlan

if TYPE_CHECKING:
    from codesign.compiler.emit.chain import Shared, Tables


class CompressionCode:
    """The lines of the compressor of a chain that has one, in the function of its stage `mask`."""

    def __init__(self, chain: Chain, plan: MemoryPlan, shared: Shared) -> None:
        self._chain, self._plan, self._shared = chain, plan, shared
        tables = compressor_tables(chain)
        of_programs = [compressor_tables(each).gains for each in program_chains(chain)]
        arrays: Tables = {
            "compressor_first": tables.first,
            "compressor_lines": tables.lines if tables.lines.size else np.zeros(1, np.float32),
            "compressor_grid": tables.grid,
            "compressor_gains": np.concatenate(of_programs),
        }
        shared.tables.update(arrays)
        sizes = f"{chain.n_bins}, {len(tables.gains)}, {tables.grid.size}, {tables.fade}"
        names = ", ".join(map(shared.name, arrays))
        numbers = ", ".join(map(float_literal, (tables.scale, tables.offset, tables.attack, tables.release)))
        struct = f"static const cs_compressor {shared.name('compressor')} = {{ {sizes}, {names}, {numbers} }};"
        shared.structs.append(struct)

    def level(self, gains: str, *, before: bool, spectrum: str = "spectrum") -> list[str]:
        """Where the meter stands here, the levels and gains of bands, of a spectrum times `gains` ("0": of 1)."""
        if before != (self._chain.compressor is not None and self._chain.compressor.meter == "before"):
            return []
        compressor, state = self._names()
        wanted = "0"
        if self._chain.programs:
            wanted = f"((const cs_program_state *)(const void *)(memory + {self._at('program')}))->wanted"
        return [
            f"cs_band_powers({compressor}, {spectrum}, {gains}, {state});",
            f"cs_compress({compressor}, {wanted}, {state});",
        ]

    def mixed_gains(self) -> list[str]:
        """The input's share in gains of bins, which lie in `work`."""
        share = self._share()
        return [f"cs_mix_gains(work, {self._chain.n_bins}, {share});"] if share else []

    def mixed_mask(self, parts: str) -> list[str]:
        """The input's share in a complex mask, whose `parts` lie in `work`."""
        share = self._share()
        return [f"cs_mix_mask({parts}, {self._chain.n_bins}, {share});"] if share else []

    def mixed_spectrum(self, parts: str) -> list[str]:
        """The mixture of the input's spectrum with an enhanced one, whose `parts` lie in `work`."""
        return [f"cs_mix_spectrum(spectrum, {parts}, {self._chain.n_bins}, {self._share() or '0.0f'});"]

    def mixed_with(self, source: str) -> list[str]:
        """The mixture of the input's spectrum at `source`, which is lost, with the enhanced one."""
        share, bins = self._share(), self._chain.n_bins
        if not share:
            return []
        return [
            f"cs_mix_spectrum({source}, spectrum, spectrum + 1, 2, {bins}, {share});",
            f"memcpy(spectrum, {source}, {8 * bins});",
        ]

    def applied(self) -> list[str]:
        """To the spectrum."""
        bins = self._chain.n_bins
        return [*self.level("0", before=False), self._spread("work"), f"cs_apply_gains(spectrum, work, {bins});"]

    def multiplied(self) -> list[str]:
        """Into gains of bins, which lie in `work`; the level is known."""
        bins = self._chain.n_bins
        target = f"work + {bins}"
        return [self._spread(target), f"cs_multiply_gains(work, {target}, {bins});"]

    def _spread(self, target: str) -> str:
        compressor, state = self._names()
        return f"cs_spread_gains({compressor}, {state}, {target});"

    def _share(self) -> str:
        """The expression of the input's share, which moves on when it is evaluated; "" where nothing is mixed."""
        if mix_of(self._chain) is None:
            return ""
        return f"cs_mix_share({self._shared.name('mix')}, (void *)(memory + {self._at('mix')}))"

    def _names(self) -> tuple[str, str]:
        return f"&{self._shared.name('compressor')}", f"(void *)(memory + {self._at('compressor')})"

    def _at(self, buffer: str) -> int:
        return self._plan.buffers[BufferKey("front end", buffer)].offset

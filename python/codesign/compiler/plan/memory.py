# SPDX-License-Identifier: Apache-2.0
"""The enhancer's memory: which buffer lives when, and where. No arena to guess."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import numpy.typing as npt

from codesign.compiler.frontend import Arithmetic, Chain
from codesign.compiler.frontend.beamformer import BEAM_TAPS
from codesign.compiler.frontend.capture import CAPTURE_RUN, captures
from codesign.compiler.frontend.filter_path import is_fixed
from codesign.compiler.frontend.output_stage import limiter_of, mix_of, rms_limiter_of
from codesign.compiler.frontend.resampler import PHASE_TAPS
from codesign.compiler.frontend.running import running_start
from codesign.compiler.layers.scratch import round_up
from codesign.compiler.lower.network import Network
from codesign.compiler.names import check_unique
from codesign.compiler.plan.chain import has_own_frame

HEADER_BYTES = 32
"""What the enhancer keeps in front of the arena: CS_ENHANCER_HEADER_BYTES of runtime/include/codesign/enhancer.h."""

GAINS, INPUT = "gains", "input"
"""The front end's buffers for the product of the gains of networks in a row, where filters are made of it, and for the input's
spectrum, which the networks change, where it is needed at the end: to be mixed, or for levels beside filters.
"""

ALIGNMENT = 8
"""Every buffer starts at a multiple of this many bytes, as the caller's memory does."""


@dataclass(frozen=True, order=True)
class BufferKey:
    """Whose buffer it is: the front end's ("history", …), a value's of the network or the scratch of a layer.

    Names of values and layers come from the file and may be anything, so a name alone does not tell.
    """

    kind: Literal["front end", "scratch", "value"]
    name: str

    def __str__(self) -> str:
        """What people read: unlike the key it may be there twice."""
        return f"{self.name}.scratch" if self.kind == "scratch" else self.name


@dataclass(frozen=True)
class Buffer:
    """`bytes` at `offset` of the arena, holding data during `stages` (indices into MemoryPlan.stages)."""

    key: BufferKey
    bytes: int
    stages: frozenset[int]
    persistent: bool = False
    offset: int = -1

    @property
    def name(self) -> str:
        """The buffer's name, as reports show it."""
        return str(self.key)

    @property
    def end(self) -> int:
        """The first byte of the arena after it."""
        return self.offset + self.bytes


@dataclass(frozen=True)
class MemoryPlan:
    """Placement of all buffers of one enhancer.

    `bytes` is the arena's size, `lower_bound` the largest sum of buffers alive in one stage: no plan can be smaller.
    `kernel` is the matrix kernel that all layers use, a key of layers.packing.PACKERS; see runtime/include/codesign/nn.h.
    `front_end` is what the front end computes in; its words have 4 bytes either way. `own_frame`: see plan.chain.
    `hot_weights` are the bytes of RAM, outside the arena, that copies of constants may take.
    """

    stages: tuple[str, ...]
    buffers: Mapping[BufferKey, Buffer]
    bytes: int
    lower_bound: int
    kernel: str
    front_end: Arithmetic = "float32"
    own_frame: bool = False
    hot_weights: int = 0

    def value(self, name: str) -> Buffer:
        """The buffer of the network's value `name`."""
        return self.buffers[BufferKey("value", name)]


def plan_memory(network: Network, kernel: str = "plain", front_end: Arithmetic = "float32") -> MemoryPlan:
    """Place the front end's buffers, the network's values, states and scratch so that lifetimes may share memory.

    Raises:
        InputError: the network does not fit its chain, or the Q31 front end does not have what the chain needs.
    """
    stages = ("analysis", "features", *(stage.name for stage in network.stages), "mask", "synthesis")
    check_unique("stages of a plan", stages)
    placed = _place(_front_end_buffers(network, stages, front_end) + _network_buffers(network, stages))
    total = _align(max(buffer.end for buffer in placed))
    alive = (sum(_align(b.bytes) for b in placed if stage in b.stages) for stage in range(len(stages)))
    check_unique("buffers of a plan", (buffer.key for buffer in placed))
    own_frame = has_own_frame(network, front_end)
    return MemoryPlan(stages, {buffer.key: buffer for buffer in placed}, total, max(alive), kernel, front_end, own_frame)


def filter_bytes(chain: Chain, arithmetic: Arithmetic) -> int:
    """A cs_filter_state of runtime/include/codesign/filter.h with its filters and its past input; 16 bits: and a sample."""
    samples = 3 * chain.taps + chain.taps - 1 + chain.hop
    return 12 + (8 + 2 * (samples + 1) if is_fixed(chain, arithmetic) else 4 * samples)


def capture_bytes(chain: Chain) -> dict[str, int]:
    """What runtime/include/codesign/capture.h keeps, by the names of its buffers."""
    if not captures(chain):
        return {}
    found = {"samples": 2 * chain.hop}
    if chain.beamformer is not None:
        found["beam"] = 4 + 2 * 2 * (BEAM_TAPS - 1 + CAPTURE_RUN)
    if chain.resample > 1:
        found |= {"down": chain.resample * 2 * (PHASE_TAPS - 1 + CAPTURE_RUN), "up": 2 * (PHASE_TAPS + CAPTURE_RUN)}
    return found


def _front_end_buffers(network: Network, stages: tuple[str, ...], arithmetic: Arithmetic) -> list[Buffer]:
    config, count = network.frontend, len(stages)
    everywhere = frozenset(range(count))
    tail = config.window - config.hop
    spectrum_bytes = 4 * (config.n_fft + 2)
    between = [stages.index(hand_over.name) for hand_over in network.hand_overs]
    own = frozenset({0, 1, *between, count - 2, count - 1})
    held = set(own)
    for part, first, last in zip(network.row, [2, *between], [*between, count - 2], strict=True):
        if part.frontend.changes_spectrum:
            held |= set(range(first, last))
    end = network.back_end
    output = filter_bytes(end, arithmetic) if end.filters else 4 * end.latency_samples
    of_rows = {
        GAINS: 4 * end.n_bins if end.filters else 0,
        INPUT: 8 * end.n_bins if end.compressor is not None and (end.filters or mix_of(end)) else 0,
    }
    since = frozenset(range(between[0], count - 1)) if between else frozenset()
    return [
        *(Buffer(BufferKey("front end", name), size, since) for name, size in of_rows.items() if between and size),
        Buffer(BufferKey("front end", "history"), 2 * tail, everywhere, persistent=True),
        Buffer(BufferKey("front end", "overlap"), output, everywhere, persistent=True),
        Buffer(BufferKey("front end", "spectrum"), spectrum_bytes, frozenset(held)),
        Buffer(BufferKey("front end", "work"), spectrum_bytes, own),
        *(Buffer(BufferKey("front end", name), size, everywhere, persistent=True) for name, size in _kept(network) if size),
    ]


def _kept(network: Network) -> Iterator[tuple[str, int]]:
    """Names and bytes of what stages around the transforms keep from frame to frame; 0 for those that the chain has not."""
    end = network.back_end
    line = 2 * (end.latency_samples + end.hop) if end.compressor is None else 0
    yield "mix", 4 + line if mix_of(end) else 0
    yield "limiter", 4 if limiter_of(end) else 0
    yield "rms", 8 if rms_limiter_of(end) else 0
    yield "compressor", 0 if end.compressor is None else 4 + 8 * len(end.compressor.frequencies)
    yield "program", 6 if end.programs else 0
    yield from capture_bytes(end).items()
    for name, start in running_starts(network).items():
        yield name, start.nbytes


def running_starts(network: Network) -> dict[str, npt.NDArray[np.float32]]:
    """What running normalizations start from, float32 (n,) by the names of their buffers: one for each chain of networks in a
    row that has one.
    """
    starts = {number: running_start(part.frontend) for number, part in enumerate(network.row, 1)}
    return {"running" if number == 1 else f"running_{number}": start for number, start in starts.items() if start.size}


def _network_buffers(network: Network, stages: tuple[str, ...]) -> list[Buffer]:
    last = len(stages) - 1
    everywhere = frozenset(range(last + 1))
    states = {state.value.name for state in network.states}
    buffers = [_value(network, name, everywhere, persistent=True) for name in sorted(states)]
    born = {network.input: 1}
    dies = {network.input: last, network.output: last}
    # The network's input and output stay readable to the frame's end: verification and debuggers look at them.
    for stage, layer in enumerate(network.stages, start=2):
        if (size := layer.scratch_bytes) > 0:
            buffers.append(Buffer(BufferKey("scratch", layer.name), size, frozenset({stage})))
        for name in layer.writes:
            born.setdefault(name, stage)
        for name in (*layer.reads, *layer.writes, *layer.states):
            dies[name] = max(dies.get(name, 0), stage)
    for name, first in born.items():
        if name not in states:
            buffers.append(_value(network, name, frozenset(range(first, dies[name] + 1))))
    return buffers


def _value(network: Network, name: str, stages: frozenset[int], *, persistent: bool = False) -> Buffer:
    return Buffer(BufferKey("value", name), network.values[name].bytes, stages, persistent)


def _place(buffers: Iterable[Buffer]) -> list[Buffer]:
    """Largest first, each at the lowest offset free during all of its stages; persistent ones at the start."""
    placed: list[Buffer] = []
    for buffer in sorted(buffers, key=lambda b: (not b.persistent, -b.bytes, b.name, b.key)):
        busy = sorted((b for b in placed if b.stages & buffer.stages), key=lambda b: b.offset)
        offset = 0
        for other in busy:
            if offset + buffer.bytes <= other.offset:
                break
            offset = max(offset, _align(other.end))
        placed.append(replace(buffer, offset=offset))
    return placed


def _align(n: int) -> int:
    return round_up(n, ALIGNMENT)

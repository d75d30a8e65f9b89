# SPDX-License-Identifier: Apache-2.0
"""The verdict and its parts, as the report and the command line show them."""

from __future__ import annotations

from dataclasses import dataclass

from codesign.compiler.reference.saturation import Saturation
from codesign.firmware.cost import StageCost
from codesign.firmware.cost.energy import Consumption
from codesign.firmware.machines.run import LayerCost
from codesign.firmware.size import Footprint, Group
from codesign.firmware.size.stack import StackReport


@dataclass(frozen=True)
class Check:
    """One question with its answer."""

    name: str
    ok: bool
    detail: str


@dataclass(frozen=True)
class Latency:
    """Cost of a frame: executed instructions are exact, cycles and ms are an estimate with relative error `error`."""

    worst_instructions: int
    mean_instructions: float
    counted_frames: int
    clock_hz: int
    worst_cycles: float
    mean_cycles: float
    error: float
    source: str
    """Of the timing, and so of cycles and ms."""
    hop_ms: float
    algorithmic_ms: float
    network_instructions: int | None
    """Of the network step in its worst frame; None where the emulator does not tell layers apart."""
    macs: int
    worst_frame: int | None = None
    """Its number, from 0."""
    cycles_per_instruction: float | None = None
    """The average that cycles were computed with; None where every block went through a model of the core's pipeline."""
    deadline_ms: float = 0.0
    """What a frame may take: a hop, or the time until its filter is due. Documents of before have none."""

    @property
    def worst_ms(self) -> float:
        """Estimated time of the worst frame, ms."""
        return self._ms(self.worst_cycles)

    @property
    def mean_ms(self) -> float:
        """Estimated time of the mean frame, ms."""
        return self._ms(self.mean_cycles)

    @property
    def instructions_per_mac(self) -> float | None:
        """Of the whole network step in its worst frame, gates, activations and state included."""
        return None if self.network_instructions is None else self.network_instructions / self.macs

    def _ms(self, cycles: float) -> float:
        return 1000.0 * cycles / self.clock_hz


@dataclass(frozen=True)
class CoreLoad:
    """Shares of the time, 0 … 1. `executed`, in which the core executes, is exact: instructions at one a cycle over the
    machine's time, the core asleep (WFI) in the rest; `enhancer` is its part in frames. `estimated` is the same in estimated
    cycles, of relative error `error`.
    """

    executed: float
    enhancer: float
    estimated: float
    error: float


@dataclass(frozen=True)
class SlowerClock:
    """A slower clock of the core: the estimated time of the worst frame at it in ms beside its limit, whether it `holds` that
    with its error, and the mA that sleeping at this clock can save at most, None where the card has no currents.
    """

    hz: int
    worst_ms: float
    limit_ms: float
    holds: bool
    saves_at_most_ma: float | None


@dataclass(frozen=True)
class Delay:
    """From a sample's way in to its way out, in samples: the chain's part and the application's.

    `algorithmic` is what the chain itself takes: its filter or window, with the block of samples that has to be there first.
    `buffers` is what the application keeps waiting beside that block. `measured`: found in what was played, else what the chain
    says; `streamed`: with the application's buffers in it, which are else its defaults.
    """

    sample_rate: int
    algorithmic: int
    buffers: int
    measured: bool
    streamed: bool

    @property
    def total(self) -> int:
        """Samples from input to output."""
        return self.algorithmic + self.buffers

    @property
    def algorithmic_ms(self) -> float:
        """`algorithmic` in ms."""
        return self._ms(self.algorithmic)

    @property
    def buffers_ms(self) -> float:
        """`buffers` in ms."""
        return self._ms(self.buffers)

    @property
    def total_ms(self) -> float:
        """`total` in ms."""
        return self._ms(self.total)

    def _ms(self, samples: int) -> float:
        return 1000.0 * samples / self.sample_rate


@dataclass(frozen=True)
class Quality:
    """Speech quality of one recording before and after: SI-SDR in dB, ESTOI in 0…1."""

    recording: str
    si_sdr_noisy: float
    si_sdr_enhanced: float
    estoi_noisy: float
    estoi_enhanced: float

    @property
    def si_sdr_improvement(self) -> float:
        """What the enhancer gains, in dB."""
        return self.si_sdr_enhanced - self.si_sdr_noisy


@dataclass(frozen=True)
class Verdict:
    """Everything that verification found. It holds when all checks do.

    latency is None where nothing counts instructions, footprint where the board has no memory map, energy where its card has no
    currents, load where no time passes while the core sleeps.
    """

    model: str
    board: str
    emulator: str
    compiler: str
    seconds_of_audio: float
    checks: tuple[Check, ...]
    latency: Latency | None
    footprint: Footprint | None
    groups: tuple[Group, ...]
    layers: tuple[LayerCost, ...]
    stages: tuple[StageCost, ...]
    quality: tuple[Quality, ...] = ()
    stack: StackReport | None = None
    stack_used: int | None = None  # deepest stack seen in the emulator, bytes
    delay: Delay | None = None
    energy: Consumption | None = None
    load: CoreLoad | None = None
    slower_clocks: tuple[SlowerClock, ...] = ()
    saturation: tuple[Saturation, ...] = ()  # of the proof signal, whose extremes mean to go beyond, and of each recording

    @property
    def ok(self) -> bool:
        """Whether every check holds."""
        return all(check.ok for check in self.checks)

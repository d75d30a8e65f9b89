# SPDX-License-Identifier: Apache-2.0
"""Boards: what codesign knows about the hardware, read from boards/<name>/board.toml."""

from __future__ import annotations

import itertools
import re
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, PositiveFloat, ValidationError, model_validator

from codesign.base.errors import InputError
from codesign.base.resources import resource
from codesign.base.toml import read_toml
from codesign.compiler.frontend import Arithmetic
from codesign.firmware.machines import emulators

ADDRESS_SPACE = 2**32
_HINT = "see docs/add-a-board.md"

Name = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,63}$")]
Clock = Annotated[int, Field(gt=0, le=10**10)]
Bytes = Annotated[int, Field(gt=0, le=ADDRESS_SPACE)]
HotWeights = Annotated[int, Field(ge=0, le=ADDRESS_SPACE)] | Literal["auto"]
Feature = Literal["dsp", "mve", "mve-fp", "fpu-sp", "fpu-dp"]


def _emulator(name: str) -> str:
    if name not in emulators():
        raise ValueError(f"'{name}' is not one of {', '.join(emulators())}")
    return name


Emulator = Annotated[str, AfterValidator(_emulator)]
"""Name of a machine in firmware/machines that emulates a board."""


class _Card(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)


class Core(_Card):
    """The processor. `fpu` is gcc's name for -mfpu, empty without one; `isa` are extensions beyond the plain core.
    `front_end` is what the front end computes in, None for what suits the core. `slower_hz` are other clocks that it can
    run at; those below `clock_hz` are of interest. `slowed` says that `clock_hz` is one of them, chosen for an image.
    """

    cpu: Annotated[str, Field(pattern=r"^[a-z0-9-]+$")]
    isa: tuple[Feature, ...] = Field(default=(), strict=False)
    fpu: Annotated[str, Field(pattern=r"^[a-z0-9-]*$")] = ""
    clock_hz: Clock
    slower_hz: tuple[Clock, ...] = Field(default=(), strict=False)
    slowed: bool = False
    front_end: Arithmetic | None = None


class Memory(_Card):
    """One memory region, in bytes. The last `reserved` bytes belong to someone else (a second core, a bootloader)."""

    origin: Annotated[int, Field(ge=0, lt=ADDRESS_SPACE)]
    length: Bytes
    reserved: Annotated[int, Field(ge=0)] = 0
    kind: Literal["flash", "ram"]

    @property
    def usable(self) -> int:
        """Bytes that an image may fill."""
        return self.length - self.reserved

    @property
    def end(self) -> int:
        """The first address after the region."""
        return self.origin + self.length

    def __contains__(self, address: int) -> bool:
        return self.origin <= address < self.end

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.end > ADDRESS_SPACE:
            raise ValueError("origin + length is beyond the 32-bit address space")
        if self.reserved >= self.length:
            raise ValueError("reserved must be smaller than length")
        return self


class Budget(_Card):
    """What an image may use: bytes of flash, of RAM in all, of stack, ms of its worst frame, the share of a hop that goes to
    everything but the enhancer, in the filter path to everything but that and the sound's filter, and, where the card says so,
    ms from input to output.
    """

    flash: Bytes
    ram: Bytes
    stack: Annotated[Bytes, Field(multiple_of=8)]
    worst_frame_ms: Annotated[float, Field(gt=0, le=1e6)]
    overhead: Annotated[float, Field(gt=0, lt=1)] = 0.03
    block_overhead: Annotated[float, Field(gt=0, lt=1)] = 0.06
    delay_ms: Annotated[float, Field(gt=0, le=1e6)] | None = None


class Flash(_Card):
    """Waiting for constants in flash: cycles that each line of `line_bytes` costs when it is read once. In `cache_bytes` it
    stays while a layer runs; 0 where no cache holds data.
    """

    wait_states: Annotated[int, Field(ge=0, le=1000)]
    line_bytes: Annotated[int, Field(gt=0, le=4096)]
    cache_bytes: Annotated[int, Field(ge=0)] = 0
    source: Annotated[str, Field(min_length=1)]


class Timing(_Card):
    """Executed instructions to cycles, for runs that only count them: where the executed blocks are known, the core's table
    in cost/timing is used. `error` is relative: 0.2 means ±20 %.
    """

    cycles_per_instruction: Annotated[float, Field(gt=0, le=1000)]
    error: Annotated[float, Field(ge=0, lt=1)]
    source: Annotated[str, Field(min_length=1)]
    flash: Flash | None = None


class Energy(_Card):
    """Supply current at `volts`: of the running core in µA per MHz, of the sleeping one between frames in µA, and in µA what
    the audio interface takes beside it all the time; what a card leaves out counts as nothing. `error` is relative: 0.2 means
    ±20 %.
    """

    ua_per_mhz: PositiveFloat
    sleep_ua: Annotated[float, Field(ge=0)] = 0.0
    audio_ua: Annotated[float, Field(ge=0)] = 0.0
    volts: PositiveFloat
    error: Annotated[float, Field(ge=0, lt=1)] = 0.2
    source: Annotated[str, Field(min_length=1)]


class SoundLevels(_Card):
    """Sound pressure levels of a sine of full scale at the board's microphone and receiver, in dB SPL."""

    input_spl: Annotated[float, Field(ge=60, le=180)]
    output_spl: Annotated[float, Field(ge=60, le=180)]
    source: Annotated[str, Field(min_length=1)]


class QemuPlatform(_Card):
    """The machine that QEMU has for the board (`-machine`), what its SysTick counts, and further arguments that it needs."""

    machine: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9.-]*$")]
    clock_hz: Clock
    arguments: tuple[str, ...] = Field(default=(), strict=False)


class RenodePlatform(_Card):
    """The script that makes the board's machine in Renode with the image $elf in it, and what carries console and audio there;
    without `i2s` audio is files through semihosting; `pdm` carries what PDM microphones give.

    A card names the script relative to its own folder. Files beside it go with it; models of peripherals are in boards/renode,
    $ORIGIN/../renode for the script.
    """

    script: Path
    uart: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
    i2s: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")] = ""
    pdm: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")] = ""


class Zephyr(_Card):
    """Names of the board in Zephyr: `target` from 3.7 on, `target_old` before."""

    target: Annotated[str, Field(min_length=1)]
    target_old: Annotated[str, Field(min_length=1)]


class Board(_Card):
    """One board card. Boards without memories (the host) build no bare image. `hot_weights` are bytes of RAM for copies of the
    constants that the network reads most often, "auto" for what the RAM's budget leaves.
    """

    name: Name
    title: Annotated[str, Field(min_length=1)]
    core: Core
    memories: dict[Name, Memory] = Field(default_factory=dict)
    budget: Budget
    timing: Timing
    energy: Energy | None = None
    audio: SoundLevels | None = None
    qemu: QemuPlatform | None = None
    renode: RenodePlatform | None = None
    zephyr: Zephyr | None = None
    emulators: tuple[Emulator, ...] = Field(strict=False)
    default_emulator: Emulator | Literal[""] = ""
    hot_weights: HotWeights = 0

    @property
    def native(self) -> bool:
        """Whether what runs is a program of this machine and no image in a board's memories."""
        return not self.memories

    @property
    def front_end(self) -> Arithmetic:
        """What the front end computes in: floats where a core has them, and on the host, unless the card says otherwise."""
        has_floats = self.native or "fpu-sp" in self.core.isa
        return self.core.front_end or ("float32" if has_floats else "q31")

    def with_front_end(self, arithmetic: Arithmetic) -> Board:
        """The same board with this front end."""
        return self.model_copy(update={"core": self.core.model_copy(update={"front_end": arithmetic})})

    def with_clock(self, megahertz: float) -> Board:
        """The same board with its core at its own clock or one of its slower ones.

        Raises:
            InputError: its card has no such clock.
        """
        core = self.core
        clocks = [core.clock_hz, *sorted((hz for hz in core.slower_hz if hz < core.clock_hz), reverse=True)]
        chosen = next((hz for hz in clocks if abs(hz - megahertz * 1e6) < 1), None)
        if chosen is None:
            known = " or ".join(f"{hz / 1e6:g}" for hz in clocks)
            raise InputError(f"{self.name} does not run at {megahertz:g} MHz", hint=f"its card has {known} MHz")
        slowed = {"clock_hz": chosen, "slowed": True}
        return self if chosen == core.clock_hz else self.model_copy(update={"core": core.model_copy(update=slowed)})

    def with_hot_weights(self, weights: HotWeights) -> Board:
        """The same board with so much RAM for copies of constants."""
        return self.model_copy(update={"hot_weights": weights})

    @property
    def flash(self) -> Memory:
        """The memory named "flash": where images are linked to.

        Raises:
            InputError: the board has none.
        """
        return self._memory("flash")

    @property
    def ram(self) -> Memory:
        """The memory named "ram": data, bss and stack of images.

        Raises:
            InputError: the board has none.
        """
        return self._memory("ram")

    def memory_at(self, address: int) -> str:
        """Name of the memory that holds `address`, or ""."""
        return next((name for name, memory in self.memories.items() if address in memory), "")

    def _memory(self, name: str) -> Memory:
        if name not in self.memories:
            raise InputError(f"board {self.name} has no memory named {name}", hint="use --runtime host")
        return self.memories[name]

    @model_validator(mode="after")
    def _emulators_fit(self) -> Self:
        if self.emulators and self.default_emulator not in self.emulators:
            raise ValueError(f"default_emulator {self.default_emulator} is not one of emulators")
        if not self.emulators and self.default_emulator:
            raise ValueError(f"default_emulator {self.default_emulator} without emulators")
        if ("qemu" in self.emulators) != (self.qemu is not None):
            raise ValueError("qemu in emulators and the table [qemu] go together")
        if ("renode" in self.emulators) != (self.renode is not None):
            raise ValueError("renode in emulators and the table [renode] go together")
        return self

    @model_validator(mode="after")
    def _memories_fit(self) -> Self:
        if not self.memories:
            return self
        for name, kind in (("flash", "flash"), ("ram", "ram")):
            if name not in self.memories or self.memories[name].kind != kind:
                raise ValueError(f"memories.{name} of kind {kind} is missing")
        in_order = sorted(self.memories.items(), key=lambda item: item[1].origin)
        for (first, low), (second, high) in itertools.pairwise(in_order):
            if high.origin < low.end:
                raise ValueError(f"memories {first} and {second} overlap")
        return self

    @model_validator(mode="after")
    def _budget_fits(self) -> Self:
        if not self.memories:
            return self
        for kind, limit in (("flash", self.budget.flash), ("ram", self.budget.ram)):
            usable = sum(memory.usable for memory in self.memories.values() if memory.kind == kind)
            if limit > usable:
                raise ValueError(f"budget.{kind} of {limit} bytes is more than the {usable} bytes that the board has")
        if self.budget.stack >= self.budget.ram:
            raise ValueError("budget.stack must be smaller than budget.ram")
        return self


def list_boards() -> tuple[str, ...]:
    """Names of the boards that codesign ships, sorted."""
    return tuple(sorted(card.parent.name for card in resource("boards").glob("*/board.toml")))


def load_board(name: str) -> Board:
    """A shipped board by its name or Zephyr target, or any board by the path of its board.toml.

    Raises:
        InputError: no such board, or its card has a mistake (file and key are named).
    """
    known = list_boards()
    if name in known:
        return _read(resource("boards", name, "board.toml"))
    if name.endswith(".toml"):
        return _read(Path(name))
    for board in map(load_board, known):
        if board.zephyr and name in (board.zephyr.target, board.zephyr.target_old):
            return board
    raise InputError(f"unknown board '{name}'", hint=f"boards: {', '.join(known)}; or the path of a board.toml")


def _read(path: Path) -> Board:
    document = read_toml(path, _HINT)
    renode = document.get("renode")
    if isinstance(renode, dict) and isinstance(renode.get("script"), str):
        renode["script"] = path.parent / renode["script"]
    try:
        return Board.model_validate(document)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        key = ".".join(str(part) for part in first["loc"]) or "board"
        message = re.sub(r"^Value error, ", "", first["msg"])
        raise InputError(f"{path}: {key}: {message}", hint=_HINT) from error

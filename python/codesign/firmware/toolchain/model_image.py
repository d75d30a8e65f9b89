# SPDX-License-Identifier: Apache-2.0
"""A network as an image of its own, for a partition of firmware that is there already: docs/update.md."""

from __future__ import annotations

import hashlib
import re
import struct
import zlib
from collections.abc import Sequence
from dataclasses import astuple, dataclass
from pathlib import Path

from codesign.base.errors import InputError
from codesign.base.files.output_folder import replace_folder
from codesign.base.resources import resource
from codesign.compiler.emit import Generated, emit
from codesign.compiler.emit.output_stage import output_stage
from codesign.compiler.frontend.filter_path import filter_lag
from codesign.compiler.lower.network import Network
from codesign.compiler.plan import plan_memory
from codesign.compiler.plan.memory import HEADER_BYTES
from codesign.firmware.boards import Board
from codesign.firmware.elf import read_elf
from codesign.firmware.size.stack import worst_stack
from codesign.firmware.symbols import symbols_of
from codesign.firmware.toolchain.compilers import (
    COMMON_FLAGS,
    TARGET_FLAGS,
    ArmCompiler,
    find_arm_compiler,
    link,
    run_tool,
)
from codesign.firmware.toolchain.kernels import best_kernel
from codesign.firmware.toolchain.linker_scripts import model_image_script
from codesign.firmware.toolchain.objects import compile_image
from codesign.firmware.toolchain.runtime import bare_sources
from codesign.firmware.toolchain.zephyr import enhancer_entry

MAGIC, LAYOUT, HEAD = b"CMD1", 2, 256
SLOTS = "ab"

_HEADER = struct.Struct("<4s8I8I16s32s16s32s32s56s")  # without its check value: cs_model_image, codesign/model_image.h
_CHECK = struct.Struct("<I")
_FIRMWARE = struct.Struct("<2I 2I I 2I 8I16s 2I")  # struct model_slots, app/src/model_slots.h
_ENTRIES = "cs_model_entries"


@dataclass(frozen=True)
class ModelShape:
    """What a network and the firmware that runs it must have in common, at the device's end; rates in Hz, the rest in samples.

    `heard` are a hop's samples that the network of a filter path is given, 0 without one.
    """

    sample_rate: int
    channels: int
    hop: int
    block: int
    latency: int
    lag: int
    heard: int
    peak: int
    core: str


@dataclass(frozen=True)
class FirmwareSlots:
    """What a firmware's ELF says of its partitions: addresses, bytes of each, and what fits."""

    address: tuple[int, int]
    size: int
    shape: ModelShape
    memory: int
    stack: int


@dataclass(frozen=True)
class ModelImage:
    """What a header says: sizes in bytes, digests in hexadecimal. `damage` says what is wrong with it, "" if nothing is."""

    address: int
    body: int
    generation: int
    memory: int
    stack: int
    shape: ModelShape
    name: str
    version: str
    sha256: str
    sources_sha256: str
    damage: str = ""


def firmware_slots(elf: Path) -> FirmwareSlots:
    """The partitions of a firmware that was built with CONFIG_CODESIGN_MODEL_SLOTS.

    Raises:
        InputError: it was not, or the firmware reaches into its own partitions.
    """
    image = read_elf(elf)
    at = next((symbol.value for symbol in image.symbols if symbol.name == "codesign_model_slots"), None)
    row = next(
        (data[at - start :] for start, data in image.load_images() if at is not None and start <= at < start + len(data)), b""
    )
    if len(row) < _FIRMWARE.size:
        raise InputError(
            f"{elf} has no partitions for networks", hint="build it with CONFIG_CODESIGN_MODEL_SLOTS=y: docs/update.md"
        )
    _, _, a, b, size, _, _, *numbers, core, memory, stack = _FIRMWARE.unpack_from(row)
    used = next((symbol.value for symbol in image.symbols if symbol.name == "_flash_used"), 0)
    start = next((symbol.value for symbol in image.symbols if symbol.name == "__rom_region_start"), 0)
    if start <= a < start + used:
        raise InputError(
            f"{elf} takes {used:,} bytes of flash and reaches its own partition at {a:#x}", hint="move the partitions"
        )
    return FirmwareSlots((a, b), size, _shape(numbers, core), memory, stack)


def build_model_images(
    network: Network, board: Board, slots: FirmwareSlots, folder: Path, version: str = "0"
) -> tuple[Path, Path]:
    """Build `network` for each of the firmware's partitions: `<folder>/model-a.bin` and `model-b.bin`, and as Intel HEX.

    Raises:
        InputError: it does not fit the firmware (another rate, hop, core, more memory), or the folder cannot be written.
        ToolError, BuildError: no compiler, or it or the linker refused (a network that is larger than its partition).
    """
    if not re.fullmatch(r"[!-~]{1,15}", version):
        raise InputError(f"'{version}' is no version", hint="up to 15 letters, digits and dots")
    plan = plan_memory(network, best_kernel(board), board.front_end)
    shape = shape_of(network, f"{plan.kernel} {plan.front_end}")
    if shape != slots.shape:
        raise InputError(
            f"{network.name} does not fit the firmware: {_difference(shape, slots.shape)}", hint="build the firmware with it"
        )
    memory = HEADER_BYTES + plan.bytes
    if memory > slots.memory:
        raise InputError(
            f"{network.name} needs {memory:,} bytes of memory, the firmware has {slots.memory:,} for it",
            hint="CONFIG_CODESIGN_MODEL_MEMORY",
        )
    compiler = find_arm_compiler()
    flags = (*TARGET_FLAGS, *compiler.cpu_flags(board.core.cpu), *COMMON_FLAGS)
    with replace_folder(folder) as building:
        generated = emit(network, plan, building / "src")
        objects = building / "obj"
        objects.mkdir()
        table = resource("runtime", "port", "slot", "table.c")
        parts = compile_image(compiler, flags, board, generated, [bare_sources()[1]], [table], objects)
        entry = enhancer_entry(network, generated)
        calls = symbols_of(network, plan, generated, entry).pointer_calls
        for letter, address in zip(SLOTS, slots.address, strict=True):
            elf = building / f"model-{letter}.elf"
            _link(compiler, flags, parts, address, slots.size, elf)
            stack = worst_stack(elf, entry, sorted(objects.glob("*.su")), calls)
            if stack.unbounded or stack.bytes > slots.stack:
                raise InputError(
                    f"{network.name} needs {stack.bytes:,} bytes of stack, the firmware has {slots.stack:,}",
                    hint="CONFIG_CODESIGN_ENHANCER_STACK",
                )
            data = _image(elf, address, generated, network, shape, (memory, stack.bytes), version)
            (building / f"model-{letter}.bin").write_bytes(data)
            (building / f"model-{letter}.hex").write_text(intel_hex(address, data), encoding="ascii")
        for file in parts:
            file.unlink()
    return folder / "model-a.bin", folder / "model-b.bin"


def shape_of(network: Network, core: str) -> ModelShape:
    """What firmware must have in common with `network`."""
    chain = network.frontend
    ends, peak = chain.ends, output_stage(chain)["peak"]
    lag, heard = (filter_lag(chain) * chain.resample, chain.hop) if chain.filters else (0, 0)
    return ModelShape(ends.rate, ends.channels, ends.frames, ends.block, ends.latency, lag, heard, peak, core)


def read_model_image(data: bytes) -> ModelImage:
    """What an image says of itself.

    Raises:
        InputError: it is no image, or of another layout.
    """
    if len(data) < HEAD or data[:4] != MAGIC:
        raise InputError("no image of a network", hint="codesign model pack makes one")
    _, layout, address, body, check, _, generation, memory, stack, *rest = _HEADER.unpack_from(data)
    if layout != LAYOUT:
        raise InputError(f"an image of layout {layout}, this is {LAYOUT}", hint="pack it with this codesign")
    *numbers, core, name, version, sha, sources, _ = rest
    damage = ""
    if _CHECK.unpack_from(data, _HEADER.size) != (zlib.crc32(data[: _HEADER.size]),):
        damage = "its header is damaged"
    elif zlib.crc32(data[HEAD : HEAD + body]) != check or len(data) < HEAD + body:
        damage = "it is damaged after its header, or cut off"
    shape = _shape(numbers, core)
    return ModelImage(
        address, body, generation, memory, stack, shape, _text(name), _text(version), sha.hex(), sources.hex(), damage
    )


def with_generation(data: bytes, generation: int) -> bytes:
    """The image as firmware writes it: of two that are whole the later generation runs."""
    head = bytearray(data[: _HEADER.size])
    struct.pack_into("<I", head, 24, generation)
    return bytes(head) + _CHECK.pack(zlib.crc32(head)) + data[HEAD:]


def intel_hex(address: int, data: bytes) -> str:
    """Intel HEX of `data` at `address`, as `west flash` and other programmers take it."""

    def record(kind: int, at: int, row: bytes) -> str:
        whole = bytes([len(row), at >> 8 & 255, at & 255, kind]) + row
        return f":{whole.hex().upper()}{-sum(whole) & 255:02X}"

    lines, upper, offset = [], -1, 0
    while offset < len(data):
        at = address + offset
        if at >> 16 != upper:
            upper = at >> 16
            lines.append(record(4, 0, upper.to_bytes(2, "big")))
        size = min(16, 0x10000 - (at & 0xFFFF))  # a record does not reach over its 64 KiB
        lines.append(record(0, at & 0xFFFF, data[offset : offset + size]))
        offset += size
    return "\n".join([*lines, record(1, 0, b""), ""])


def _link(compiler: ArmCompiler, flags: Sequence[str], objects: Sequence[Path], address: int, size: int, elf: Path) -> None:
    script = elf.with_suffix(".ld")
    script.write_text(model_image_script(address + HEAD, size - HEAD), encoding="utf-8")
    run_tool(link(compiler, flags, ["--gc-sections", "-T", str(script)], objects, elf), f"linking {elf.name}", elf.parent)


def _image(
    elf: Path, address: int, generated: Generated, network: Network, shape: ModelShape, needs: tuple[int, int], version: str
) -> bytes:
    image = read_elf(elf)
    end = max(load + len(data) for load, data in image.load_images())
    body = bytearray(end - address - HEAD + -(end - address - HEAD) % 4)
    for load, data in image.load_images():
        body[load - address - HEAD : load - address - HEAD + len(data)] = data
    sources = hashlib.sha256(b"".join(file.read_bytes() for file in sorted(generated.sources))).digest()
    sha = bytes.fromhex(network.sha256) if network.sha256 else bytes(32)
    texts = (generated.identifier.encode()[:31], version.encode(), sha, sources, bytes(56))
    *numbers, core = astuple(shape)
    places = (address, len(body), zlib.crc32(body), image.address(_ENTRIES), 1, *needs)
    head = _HEADER.pack(MAGIC, LAYOUT, *places, *numbers, core.encode(), *texts)
    return head + _CHECK.pack(zlib.crc32(head)) + bytes(body)


def _difference(here: ModelShape, there: ModelShape) -> str:
    found = [
        f"{name} {value}, not {there.__dict__[name]}" for name, value in here.__dict__.items() if value != there.__dict__[name]
    ]
    return ", ".join(found)


def _shape(numbers: Sequence[int], core: bytes) -> ModelShape:
    rate, channels, hop, block, latency, lag, heard, peak = numbers
    return ModelShape(rate, channels, hop, block, latency, lag, heard, peak, _text(core))


def _text(data: bytes) -> str:
    return data.split(b"\0", 1)[0].decode("ascii", "replace")

# SPDX-License-Identifier: Apache-2.0
"""Networks in partitions: no damage runs, and power that fails at any step of an update leaves the old network."""

from __future__ import annotations

import ctypes
import errno
import struct
import subprocess
import zlib
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from codesign.base.errors import InputError
from codesign.base.resources import resource
from codesign.cli.app import app
from codesign.compiler.frontend import Chain
from codesign.firmware.boards import load_board
from codesign.firmware.machines.host import HostEnhancer
from codesign.firmware.toolchain import build_host, find_arm_compiler
from codesign.firmware.toolchain.compilers import find_host_compiler
from codesign.firmware.toolchain.model_image import (
    HEAD,
    FirmwareSlots,
    ModelShape,
    build_model_images,
    firmware_slots,
    intel_hex,
    read_model_image,
    shape_of,
    with_generation,
)
from json_documents import document
from networks import random_network

GOOD, EMPTY, DAMAGED, LAYOUT, PLACE, SHAPE, SIZE = range(7)
ADDRESSES = (0x48000, 0xA0000)
FIELDS = {"magic": 0, "layout": 4, "address": 8, "length": 12, "table": 20, "memory": 28, "stack": 32, "hop": 44, "core": 68}
_HEADER = struct.Struct("<4s8I8I16s32s16s32s32s56s")


def image(slot, generation=1, body=bytes(range(256)) * 2, **changed):
    """A whole image, and fields that are then set to something else, with a check value that fits."""
    first = ADDRESSES[slot] + HEAD
    places = (ADDRESSES[slot], len(body), zlib.crc32(body), first + 64, generation, 4000, 500)
    shape = (16000, 1, 64, 64, 64, 0, 0, 32768, b"dsp float32")
    head = bytearray(_HEADER.pack(b"CMD1", 2, *places, *shape, b"m", b"1.0", bytes(32), bytes(32), bytes(56)))
    for name, value in changed.items():
        struct.pack_into("<I", head, FIELDS[name], value)
    return bytes(head) + struct.pack("<I", zlib.crc32(head)) + body


@pytest.fixture(scope="module")
def library(tmp_path_factory):
    """app/src/model_slots.c on this machine, with a flash whose power can be cut."""
    file = tmp_path_factory.mktemp("slots") / "slots.so"
    app, here = resource("app", "src"), Path(__file__).parent
    flags = ["-std=c11", "-Wall", "-Wextra", "-Werror", "-shared", "-fPIC", f"-I{app}", f"-I{resource('runtime', 'include')}"]
    sources = [str(app / "model_slots.c"), str(here / "model_slots.c")]
    subprocess.run([*find_host_compiler().compile, *flags, *sources, "-o", str(file)], check=True)
    loaded = ctypes.CDLL(str(file))
    loaded.put.argtypes = [ctypes.c_int, ctypes.c_char_p, ctypes.c_size_t]
    loaded.update.argtypes = [ctypes.c_char_p, ctypes.c_size_t, ctypes.c_size_t, ctypes.c_long]
    loaded.generation.restype = ctypes.c_uint32
    return loaded


@pytest.fixture
def slots(library):
    library.blank()
    return library


def put(slots, slot, data):
    slots.put(slot, data, len(data))


def update(slots, data, steps=1_000_000, line=64):
    return slots.update(data, len(data), line, steps)


def test_nothing_runs_from_erased_flash(slots):
    assert (slots.state(0), slots.state(1), slots.newest()) == (EMPTY, EMPTY, -1)


def test_the_newest_whole_image_runs_also_where_generations_wrap(slots):
    put(slots, 0, image(0, generation=0xFFFFFFFF))
    assert slots.newest() == 0
    put(slots, 1, image(1, generation=0))
    assert slots.newest() == 1
    put(slots, 1, image(1, generation=0xFFFFFFFE))
    assert slots.newest() == 0


@pytest.mark.parametrize("old", [0, 1])
def test_an_update_goes_into_the_other_partition_and_runs(old, slots):
    put(slots, old, image(old, generation=7))
    assert update(slots, image(1 - old)) == 0
    assert (slots.newest(), slots.generation(1 - old), slots.state(old)) == (1 - old, 8, GOOD)
    assert update(slots, image(old)) == 0
    assert (slots.newest(), slots.generation(old)) == (old, 9)


def test_the_first_image_of_a_board_goes_into_the_first_partition(slots):
    assert update(slots, image(0)) == 0
    assert (slots.newest(), slots.generation(0)) == (0, 1)


@pytest.mark.parametrize("before", [None, 5], ids=["erased", "older image"])
def test_power_that_fails_at_any_step_leaves_the_old_network(before, slots):
    old, new = image(0, generation=6), image(1)
    steps = 0
    while True:
        slots.blank()
        put(slots, 0, old)
        if before is not None:
            put(slots, 1, image(1, generation=before))
        done = update(slots, new, steps)
        if done == 0:
            break
        assert slots.newest() == 0, f"after {steps} steps"
        assert slots.state(0) == GOOD
        assert update(slots, new) == 0, "with power back the update goes through"
        steps += 1
    assert steps == 2048 // 256 + len(new) // 4
    assert slots.newest() == 1


def test_no_bit_of_an_image_may_be_another(slots):
    put(slots, 0, image(0, generation=3))
    data = image(1, generation=4)
    put(slots, 1, data)
    assert slots.newest() == 1
    for bit in range(8 * len(data)):
        slots.flip(1, bit)
        assert slots.newest() == 0, bit
        slots.flip(1, bit)
    assert slots.newest() == 1


@pytest.mark.parametrize(
    ("changed", "state"),
    [
        ({"magic": 0}, DAMAGED),
        ({"layout": 3}, LAYOUT),
        ({"layout": 0}, LAYOUT),
        ({"address": ADDRESSES[0]}, PLACE),
        ({"length": 0xFFFFFFF0}, PLACE),
        ({"length": 8}, PLACE),
        ({"table": 0}, PLACE),
        ({"table": ADDRESSES[1] + HEAD + 66}, PLACE),
        ({"table": ADDRESSES[1] + HEAD + 504}, PLACE),
        ({"hop": 128}, SHAPE),
        ({"core": 0}, SHAPE),
        ({"memory": 4097}, SIZE),
        ({"stack": 513}, SIZE),
    ],
)
def test_what_this_firmware_cannot_run_is_refused_and_the_old_one_stays(changed, state, slots):
    put(slots, 0, image(0))
    put(slots, 1, image(1, generation=9, **changed))
    assert (slots.state(1), slots.newest()) == (state, 0)
    assert update(slots, image(1, **changed)) == state
    assert slots.newest() == 0


def test_a_damaged_update_is_refused_and_the_old_one_stays(slots):
    put(slots, 0, image(0))
    data = bytearray(image(1))
    data[400] ^= 1
    assert update(slots, bytes(data)) == DAMAGED
    assert update(slots, bytes(data[:400])) == DAMAGED
    assert slots.newest() == 0


def test_lines_out_of_order_are_refused(slots):
    results = (ctypes.c_int * 8)()
    slots.disorder(image(0), results)
    never, wrong, full = -errno.ENOENT, -errno.EINVAL, -errno.ENOSPC
    assert list(results) == [never, wrong, wrong, full, 0, wrong, DAMAGED, never]


@pytest.fixture(scope="module")
def packed(tmp_path_factory):
    """A small network as images for two partitions of an nRF5340, and what the firmware says of itself."""
    network, board = random_network(Chain(n_fft=128, window=128, hop=64, n_mels=20)), load_board("nrf5340dk")
    firmware = FirmwareSlots(ADDRESSES, 0x58000, shape_of(network, "dsp float32"), 24576, 2048)
    find_arm_compiler()
    return network, board, firmware, build_model_images(network, board, firmware, tmp_path_factory.mktemp("m") / "m", "1.2.0")


def test_an_image_says_what_it_is(packed):
    network, _, firmware, files = packed
    for file, address in zip(files, ADDRESSES, strict=True):
        found = read_model_image(file.read_bytes())
        assert (found.address, found.shape, found.version, found.damage) == (address, firmware.shape, "1.2.0", "")
        assert (found.name, found.generation) == (network.name, 1)
        assert 0 < found.memory <= firmware.memory
        assert 0 < found.stack <= firmware.stack


@pytest.mark.parametrize("slot", [0, 1])
def test_a_packed_image_gives_the_bits_where_it_lies(slot, packed, tmp_path):
    pytest.importorskip("unicorn")
    from codesign.testing.unicorn_calls import UnicornCalls

    network, board, _, files = packed
    calls = UnicornCalls(files[slot].with_suffix(".elf"), board)
    data = files[slot].read_bytes()
    calls.engine.mem_write(ADDRESSES[slot], data)  # what a programmer writes is all that there is
    init, process, frames, *_ = struct.unpack("<4I", calls.read(struct.unpack_from("<I", data, FIELDS["table"])[0], 16))
    size = read_model_image(data).memory
    memory, source, target = calls.put(bytes(size)), calls.put(bytes(128)), calls.put(bytes(128))
    assert calls.call(init & ~1, memory, size) == 0
    pcm = np.random.default_rng(2).normal(0, 3000, (20, 64)).astype(np.int16)
    played = []
    for hop in pcm:
        calls.engine.mem_write(source, hop.tobytes())
        assert calls.call(process & ~1, memory, source, target) == 0
        played.append(calls.get(target, np.int16, 64))
    assert calls.call(frames & ~1, memory) == 20
    host = HostEnhancer(build_host(network, tmp_path / "host"))
    assert np.array_equal(np.concatenate(played), host.process(pcm.reshape(-1)))


def test_the_intel_hex_is_the_image(packed):
    data = packed[3][1].read_bytes()
    rows, upper = {}, 0
    for line in packed[3][1].with_suffix(".hex").read_text().split():
        record = bytes.fromhex(line[1:])
        assert sum(record) % 256 == 0
        size, at, kind = record[0], int.from_bytes(record[1:3], "big"), record[3]
        if kind == 4:
            upper = int.from_bytes(record[4:6], "big") << 16
        elif kind == 0:
            rows[upper + at] = record[4 : 4 + size]
    assert b"".join(rows[at] for at in sorted(rows)) == data
    assert min(rows) == ADDRESSES[1]
    assert intel_hex(0x1FFF8, bytes(16)).count("\n") == 5


def test_another_generation_is_a_whole_image(packed):
    assert read_model_image(with_generation(packed[3][0].read_bytes(), 12)).generation == 12
    assert read_model_image(with_generation(packed[3][0].read_bytes(), 12)).damage == ""


def test_show_says_it(packed):
    done = CliRunner().invoke(app, ["model", "show", str(packed[3][1]), "--json"])
    assert done.exit_code == 0, done.output
    assert document(done.stdout, "model")["images"][0]["version"] == "1.2.0"


def test_damage_is_told(packed):
    data = packed[3][0].read_bytes()
    assert "header" in read_model_image(data[:100] + b"\x55" + data[101:]).damage
    assert "after its header" in read_model_image(data[:-4]).damage
    with pytest.raises(InputError, match="no image"):
        read_model_image(b"\x7fELF" + data)
    with pytest.raises(InputError, match="layout 9"):
        read_model_image(data[:4] + b"\x09" + data[5:])


def test_a_network_that_does_not_fit_the_firmware_is_refused(packed, tmp_path):
    network, board, firmware, _ = packed
    other = ModelShape(**{**firmware.shape.__dict__, "hop": 128})
    with pytest.raises(InputError, match="hop 64, not 128"):
        build_model_images(network, board, FirmwareSlots(ADDRESSES, 0x58000, other, 24576, 2048), tmp_path / "a")
    with pytest.raises(InputError, match="bytes of memory, the firmware has 100"):
        build_model_images(network, board, FirmwareSlots(ADDRESSES, 0x58000, firmware.shape, 100, 2048), tmp_path / "b")
    with pytest.raises(InputError, match="bytes of stack, the firmware has 10"):
        build_model_images(network, board, FirmwareSlots(ADDRESSES, 0x58000, firmware.shape, 24576, 10), tmp_path / "c")
    with pytest.raises(InputError, match="no version"):
        build_model_images(network, board, firmware, tmp_path / "d", "1.0 beta")


def test_firmware_without_partitions_is_one_line(packed):
    with pytest.raises(InputError, match="no partitions for networks"):
        firmware_slots(packed[3][0].with_suffix(".elf"))

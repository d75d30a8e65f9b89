# SPDX-License-Identifier: Apache-2.0
"""The proof over a serial port: its frames in C and in Python, a line that damages them, boards that tell no truth."""

from __future__ import annotations

import ctypes
import itertools
import subprocess
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from codesign.base.errors import InputError, ValidationError
from codesign.base.resources import resource
from codesign.compiler.frontend import Chain
from codesign.firmware.boards import load_board
from codesign.firmware.machines import machine_named, serial_board, serial_link
from codesign.firmware.machines.host import HostEnhancer
from codesign.firmware.machines.serial_board import SerialMachine
from codesign.firmware.machines.serial_frames import DATA, Frame, FrameReader, decoded
from codesign.firmware.toolchain import build_host
from codesign.firmware.toolchain.compilers import find_host_compiler
from codesign.proof.checks import run_checks
from codesign.proof.equality import equal
from networks import random_network
from serial_lines import IMAGE_CHECK, Line, PythonBoard, damage

serial = pytest.importorskip("serial", reason="pyserial is not installed")

APP = resource("app", "src")
HOPS = 40


@pytest.fixture(scope="module")
def host_image(tmp_path_factory):
    network = random_network(Chain(n_fft=128, window=128, hop=64, n_mels=20))
    return build_host(network, tmp_path_factory.mktemp("host") / "h")


@pytest.fixture
def image(host_image, monkeypatch):
    """The image as the machine sees it: of a board, with the flash that the Python board says it has."""
    monkeypatch.setattr(serial_board, "read_elf", lambda path: None)
    monkeypatch.setattr(serial_board, "flash_checks", lambda elf: (IMAGE_CHECK,))
    return replace(host_image, runtime="zephyr", board=load_board("nrf5340dk"))


@pytest.fixture(scope="module")
def signal():
    return np.random.default_rng(3).normal(0, 3000, HOPS * 64).astype(np.int16)


@pytest.fixture
def board(host_image):
    """Makes a board that answers with the enhancer of this computer; closed after the test."""
    enhancer, boards = HostEnhancer(host_image), []

    def make(enhance=None, **changes):
        known = {"model": host_image.generated.identifier, "sha": host_image.network.sha256[:12] or "none"}
        boards.append(PythonBoard(enhance or enhancer.process, enhancer.reset, 64, **known, **changes))
        return boards[-1]

    yield make
    for each in boards:
        each.close()


def run(image, signal, port):
    return SerialMachine(port, patience=0.2).run(image, signal)


def expected(host_image, signal):
    return HostEnhancer(host_image).process(signal)


def test_an_honest_board_gives_the_bits_and_its_cycles(image, host_image, signal, board):
    found = run(image, signal, board().port)
    assert np.array_equal(found.pcm, expected(host_image, signal))
    assert found.frames == HOPS
    assert found.measured.cycles.tolist() == [100000 + n % 7 for n in range(HOPS)]
    check = next(check for check in run_checks(found, image, None) if check.name == "worst frame")
    assert check.ok
    assert "100,006 cycles of dwt at 128 MHz, 0.78 ms (measured)" in check.detail


@pytest.mark.parametrize("way", ["there", "back"])
@pytest.mark.parametrize(
    "change", [lambda byte: b"", lambda byte: bytes([byte[0] ^ 0x10]), lambda byte: b"\0", lambda byte: byte * 2]
)
def test_a_damaged_byte_is_found_and_sent_again(way, change, image, host_image, signal, board):
    # the 30th frame or so, wherever in it
    line = Line(open_raw(board().port), **{way: damage(30 * 160 + 77, change)})
    try:
        found = run(image, signal, line.port)
    finally:
        line.close()
    assert np.array_equal(found.pcm, expected(host_image, signal))
    assert found.measured.resent >= 1


@pytest.mark.parametrize("change", [lambda byte: b"", lambda byte: bytes([byte[0] ^ 0x10]), lambda byte: b"\0" * 40])
def test_a_damaged_answer_is_asked_for_before_patience_ends(change, image, host_image, signal, board, monkeypatch):
    """On a clock that counts how often it is looked at; patience ends it only after a minute of looks."""
    looks = itertools.count()
    monkeypatch.setattr(serial_link, "time", SimpleNamespace(monotonic=lambda: next(looks) / 20))
    line = Line(open_raw(board().port), back=damage(30 * 160 + 77, change))
    try:
        found = SerialMachine(line.port, patience=60.0).run(image, signal)
    finally:
        line.close()
    assert np.array_equal(found.pcm, expected(host_image, signal))
    assert found.measured.resent == 1
    assert next(looks) < 60 * 20


def open_raw(port):
    import os

    return os.open(port, os.O_RDWR | os.O_NOCTTY)


def echo(pcm):
    return pcm


def test_a_board_that_plays_its_input_is_not_equal(image, host_image, signal, board):
    found = run(image, signal, board(echo).port)
    host = replace(found, machine="host", pcm=expected(host_image, signal))
    assert not equal(found, host).ok


def stale(sequence, frames, cycles, pcm):
    return (max(0, sequence - 1), frames, cycles, pcm)


LIES = {
    "another model": ({"ready": {"sha": "0123456789ab"}}, "runs model"),
    "another name": ({"ready": {"model": "other"}}, "runs model other"),
    "another image": ({"ready": {"image": 1}}, "but not the image"),
    "stereo": ({"ready": {"slots": 2}}, "mono hops of 16 bit"),
    "answers of earlier hops": ({"reply": stale}, "did not answer hop 1"),
    "no answer": ({"reply": lambda *answer: None}, "did not answer hop 0"),
    "short answers": ({"reply": lambda n, f, c, pcm: (n, f, c, pcm[:10])}, "answers hop 0 with 28 bytes"),
    "frames that were none": ({"stats": {"frames": HOPS - 1}}, "counted 39 frames of 40"),
    "cycles of nothing": ({"reply": lambda n, f, c, pcm: (n, f, 0, pcm)}, "cycles of frames are not those"),
    "a worst frame of its own": ({"stats": {"worst": 5}}, "cycles of frames are not those"),
    "no counts": ({"stats": {"frames": "x"}}, "no number frames"),
}


@pytest.mark.parametrize("lie", LIES)
def test_a_lie_is_one_line(lie, image, signal, board):
    changes, said = LIES[lie]
    with pytest.raises(ValidationError, match=said):
        run(image, signal, board(**changes).port)


def test_a_clock_that_the_board_does_not_have_fails_the_proof(image, signal, board):
    found = run(image, signal, board(ready={"hz": 10**12}).port)
    assert not next(check for check in run_checks(found, image, None) if check.name == "worst frame").ok


def test_a_late_block_fails_the_proof(image, signal, board):
    found = run(image, signal, board(stats={"late": 1, "enhanced": HOPS - 1}).port)
    assert not next(check for check in run_checks(found, image, None) if check.name == "every block accounted for").ok


def test_a_port_that_is_pulled_out_is_one_line(image, signal, board):
    with pytest.raises(ValidationError, match="is gone; was it unplugged"):
        run(image, signal, board(leaves=5).port)


def test_a_port_that_is_not_there_is_one_line(image, signal):
    with pytest.raises(InputError, match="cannot open /dev/no-such-port"):
        run(image, signal, "/dev/no-such-port")


@pytest.mark.parametrize(
    ("name", "address"), [("serial:/dev/ttyACM0", "serial:/dev/ttyACM0"), ("serial:COM3@1000000", "serial:COM3@1000000")]
)
def test_a_machine_has_an_address(name, address):
    assert machine_named(name).address == address


@pytest.mark.parametrize("name", ["serial:", "serial:/dev/ttyACM0@0", "unicorn:/dev/ttyACM0", "nothing:there"])
def test_what_is_no_address_is_refused(name):
    with pytest.raises(InputError):
        machine_named(name)


def test_a_board_without_a_port_is_refused():
    with pytest.raises(InputError, match="needs a port"):
        machine_named("serial").check_tools()


@pytest.fixture(scope="module")
def firmware_frames(tmp_path_factory):
    """app/src/frame.c on this machine."""
    folder = tmp_path_factory.mktemp("frame")
    (folder / "call.c").write_text("""
#include <string.h>
#include "frame.h"
static uint8_t *out;
static size_t written;
static void put(uint8_t byte) { out[written++] = byte; }
size_t encode(uint8_t kind, uint32_t session, uint32_t sequence, const uint8_t *payload, size_t size, uint8_t *to)
{
    static uint8_t room[70000];
    memcpy(room + FRAME_HEAD, payload, size);
    out = to;
    written = 0;
    frame_write(&(struct frame){.kind = kind, .session = session, .sequence = sequence, .size = size}, room, put);
    return written;
}
int decode(uint8_t *bytes, size_t size, uint8_t *kind, uint32_t *session, uint32_t *sequence, size_t *length, size_t *at)
{
    struct frame frame;
    if (!frame_read(bytes, size, &frame)) {
        return 0;
    }
    *kind = frame.kind, *session = frame.session, *sequence = frame.sequence;
    *length = frame.size, *at = (size_t)(frame.payload - bytes);
    return 1;
}
""")
    flags = ["-std=c11", "-Wall", "-Wextra", "-Werror", "-shared", "-fPIC", f"-I{APP}"]
    command = [
        *find_host_compiler().compile,
        *flags,
        str(APP / "frame.c"),
        str(folder / "call.c"),
        "-o",
        str(folder / "frame.so"),
    ]
    subprocess.run(command, check=True)
    library = ctypes.CDLL(str(folder / "frame.so"))
    library.encode.restype = ctypes.c_size_t
    library.encode.argtypes = [ctypes.c_uint8, *[ctypes.c_uint32] * 2, ctypes.c_char_p, ctypes.c_size_t, ctypes.c_void_p]
    library.decode.argtypes = [ctypes.c_void_p, ctypes.c_size_t, *[ctypes.c_void_p] * 5]
    return library


PAYLOADS = st.one_of(
    st.binary(max_size=1200),
    st.lists(st.sampled_from([b"\0", b"\xff", b"\x01" * 253, b"\x02" * 254, b"\x03" * 255]), max_size=8).map(b"".join),
)
NUMBERS = st.integers(0, 2**32 - 1)


@settings(max_examples=60, deadline=None)
@given(PAYLOADS, NUMBERS, NUMBERS)
def test_both_sides_write_and_read_the_same_frames(firmware_frames, payload, session, sequence):
    frame = Frame(DATA, session, sequence, payload)
    encoded = frame.encoded()
    assert encoded[0] == encoded[-1] == 0
    assert 0 not in encoded[1:-1]
    room = ctypes.create_string_buffer(len(encoded) + 16)
    size = firmware_frames.encode(DATA[0], session, sequence, payload, len(payload), room)
    assert room.raw[:size] == encoded
    assert FrameReader().take(b"text" + encoded) == ["text", frame]

    bytes_, numbers = ctypes.create_string_buffer(encoded[1:-1]), [ctypes.c_uint32() for _ in range(2)]
    kind, length, at = ctypes.c_uint8(), ctypes.c_size_t(), ctypes.c_size_t()
    places = [ctypes.byref(each) for each in (kind, *numbers, length, at)]
    assert firmware_frames.decode(bytes_, len(encoded) - 2, *places) == 1
    assert (kind.value, numbers[0].value, numbers[1].value) == (DATA[0], session, sequence)
    assert bytes_.raw[at.value : at.value + length.value] == payload


@settings(max_examples=60, deadline=None)
@given(PAYLOADS, st.data())
def test_no_damaged_frame_is_read_on_either_side(firmware_frames, payload, data):
    inside = Frame(DATA, 1, 2, payload).encoded()[1:-1]
    at = data.draw(st.integers(0, len(inside) - 1))
    broken = inside[:at] + data.draw(st.binary(max_size=2).filter(lambda new: new != inside[at : at + 1])) + inside[at + 1 :]
    assert decoded(broken) is None
    room = ctypes.create_string_buffer(broken, len(broken) + 1)
    unused = [ctypes.byref(ctypes.c_uint64()) for _ in range(5)]
    assert firmware_frames.decode(room, len(broken), *unused) == 0

# SPDX-License-Identifier: Apache-2.0
"""Board cards: the shipped ones, and one mistake each."""

import pytest
from pydantic import ValidationError

from codesign.base.errors import InputError
from codesign.base.resources import resource
from codesign.cli.machines import choose
from codesign.firmware.boards import list_boards, load_board

CARD = """
name = "mine"
title = "My board"
emulators = ["unicorn"]
default_emulator = "unicorn"
[core]
cpu = "cortex-m4"
isa = ["dsp"]
clock_hz = 64_000_000
[memories.flash]
kind = "flash"
origin = 0
length = 0x10000
[memories.ram]
kind = "ram"
origin = 0x20000000
length = 0x8000
reserved = 0x1000
[budget]
flash = 0x10000
ram = 0x7000
stack = 4096
worst_frame_ms = 8
[timing]
cycles_per_instruction = 1.5
error = 0.3
source = "a guess"
"""


def test_shipped_boards():
    assert list_boards() == (
        "mimxrt1064_evk",
        "mps2_an385",
        "mps2_an521",
        "mps3_an547",
        "native_sim",
        "nrf52840dk",
        "nrf5340_audio_dk",
        "nrf5340dk",
        "nrf54l15dk",
        "nucleo_n657x0_q",
        "stm32f746g_disco",
    )
    for name in list_boards():
        board = load_board(name)
        assert board.name == name
        assert board.zephyr is not None
        assert load_board(board.zephyr.target) == load_board(board.zephyr.target_old) == board


def test_a_board_that_no_emulator_runs(tmp_path):
    card = tmp_path / "board.toml"
    card.write_text(CARD.replace('["unicorn"]\ndefault_emulator = "unicorn"', "[]"), encoding="utf-8")
    board = load_board(str(card))
    assert (board.emulators, board.default_emulator) == ((), "")
    with pytest.raises(InputError, match="no emulator runs board mine"):
        choose(None, board)


def test_reference_board():
    board = load_board("nrf5340dk")
    assert (board.core.cpu, board.core.clock_hz, board.core.isa) == ("cortex-m33", 128_000_000, ("dsp", "fpu-sp"))
    assert (board.flash.origin, board.flash.usable) == (0, 1 << 20)
    assert (board.ram.origin, board.ram.length, board.ram.usable) == (0x20000000, 512 << 10, 448 << 10)
    assert board.memory_at(0x20000000) == "ram"
    assert board.memory_at(0x1FFFFFFF) == board.memory_at(0x20080000) == ""
    with pytest.raises(ValidationError):
        board.name = "other"


def test_front_end_is_what_the_core_can_do_or_the_card_says(tmp_path):
    kinds = {name: load_board(name).front_end for name in list_boards()}
    assert kinds.pop("mps2_an385") == "q31"
    assert set(kinds.values()) == {"float32"}, "the others have an FPU, or are the host"
    assert load_board("nrf5340dk").with_front_end("q31").front_end == "q31"
    path = tmp_path / "board.toml"
    path.write_text(CARD.replace('isa = ["dsp"]', 'isa = ["dsp"]\nfront_end = "float32"'))
    assert load_board(str(path)).front_end == "float32"
    path.write_text(CARD)
    assert load_board(str(path)).front_end == "q31"
    path.write_text(CARD.replace('isa = ["dsp"]', 'isa = ["dsp"]\nfront_end = "q15"'))
    with pytest.raises(InputError, match=r"core\.front_end"):
        load_board(str(path))


def test_every_number_has_a_source_beside_it():
    for name in list_boards():
        text = resource("boards", name, "board.toml").read_text()
        for table in ("[core]", "[budget]", "[timing]"):
            before = text.partition(table)[0].splitlines()
            section = text.partition(table)[2].partition("\n[")[0]
            assert "#" in section or before[-1].startswith("#"), (name, table)


def test_own_card_by_path(tmp_path):
    path = tmp_path / "board.toml"
    path.write_text(CARD)
    board = load_board(str(path))
    assert board.name == "mine"
    assert board.ram.usable == 0x7000
    assert board.budget.worst_frame_ms == 8.0
    assert board.energy is None


def test_unknown_board_names_the_known_ones():
    with pytest.raises(InputError, match=r"unknown board 'nrf9999dk'; boards: mimxrt1064_evk, .*stm32f746g_disco") as caught:
        load_board("nrf9999dk")
    assert caught.value.exit_code == 2
    for name in ("", "../nrf5340dk", "nrf5340dk/", "\x1b[31mred\n"):
        with pytest.raises(InputError, match="unknown board") as caught:
            load_board(name)
        assert "\n" not in str(caught.value)


def test_boards_without_memories_have_no_flash():
    board = load_board("native_sim")
    with pytest.raises(InputError, match="native_sim has no memory named flash"):
        _ = board.flash


MISTAKES = {
    "not TOML": ("[core]", "[core", r"is not TOML: .*line 6"),
    "missing key": ('title = "My board"\n', "", r": title: Field required"),
    "unknown key": ("[core]", "[core]\nspeed = 3", r": core.speed: Extra inputs"),
    "text for a number": ("64_000_000", '"fast"', r": core.clock_hz: Input should be a valid integer"),
    "number for a text": ('"My board"', "3", r": title: Input should be a valid string"),
    "name": ('"mine"', '"My Board"', r": name: String should match"),
    "feature": ('["dsp"]', '["dps"]', r": core.isa.0: Input should be 'dsp'"),
    "emulator": ('["unicorn"]', '["bochs"]', r": emulators.0: 'bochs' is not one of unicorn, qemu, renode, native"),
    "no emulator": ('["unicorn"]', "[]", ": board: default_emulator unicorn without emulators"),
    "default emulator": ('default_emulator = "unicorn"', 'default_emulator = "qemu"', r": board: default_emulator qemu"),
    "qemu without a machine": ('emulators = ["unicorn"]', 'emulators = ["unicorn", "qemu"]', r": board: qemu in emulators"),
    "kind": ('kind = "ram"', 'kind = "rom"', r": memories.ram.kind: Input should be 'flash' or 'ram'"),
    "negative origin": ("origin = 0\n", "origin = -4\n", r": memories.flash.origin: "),
    "beyond 32 bits": ("origin = 0x20000000", "origin = 0xFFFFF000", r": memories.ram: origin \+ length is beyond"),
    "all reserved": ("reserved = 0x1000", "reserved = 0x8000", r": memories.ram: reserved must be smaller"),
    "overlap": ("origin = 0x20000000", "origin = 0x4000", r": board: memories flash and ram overlap"),
    "no ram": ("memories.ram", "memories.sram", r": board: memories.ram of kind ram is missing"),
    "flash budget": ("flash = 0x10000", "flash = 0x10001", r": board: budget.flash of 65537 bytes is more than the 65536"),
    "ram budget": ("ram = 0x7000", "ram = 0x8000", r": board: budget.ram of 32768 bytes is more than the 28672"),
    "stack alignment": ("stack = 4096", "stack = 4095", r": budget.stack: Input should be a multiple of 8"),
    "stack too big": ("stack = 4096", "stack = 0x7000", r": board: budget.stack must be smaller"),
    "zero time": ("worst_frame_ms = 8", "worst_frame_ms = 0", r": budget.worst_frame_ms: "),
    "not finite": ("worst_frame_ms = 8", "worst_frame_ms = nan", r": budget.worst_frame_ms: "),
    "error": ("error = 0.3", "error = 30", r": timing.error: "),
    "no source": ('source = "a guess"', 'source = ""', r": timing.source: "),
}


@pytest.mark.parametrize(("old", "new", "message"), MISTAKES.values(), ids=MISTAKES.keys())
def test_mistakes_name_file_and_key(old, new, message, tmp_path):
    assert CARD.count(old) == 1
    path = tmp_path / "board.toml"
    path.write_text(CARD.replace(old, new))
    with pytest.raises(InputError, match=message) as caught:
        load_board(str(path))
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_unreadable_cards(tmp_path):
    with pytest.raises(InputError, match="cannot read"):
        load_board(str(tmp_path / "none.toml"))
    (tmp_path / "folder.toml").mkdir()
    with pytest.raises(InputError, match="cannot read"):
        load_board(str(tmp_path / "folder.toml"))
    (tmp_path / "binary.toml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InputError, match="is not TOML"):
        load_board(str(tmp_path / "binary.toml"))

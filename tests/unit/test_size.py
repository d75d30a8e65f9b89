# SPDX-License-Identifier: Apache-2.0
"""Sizes against the linker's own table, and files that are not what they should be."""

import contextlib
import shutil
import struct
import subprocess

import numpy as np
import pytest

from arm_elf import COMPILERS, LINKER_SCRIPT, build
from codesign.base.errors import InputError
from codesign.firmware.boards import load_board
from codesign.firmware.size import BudgetCheck, check_budget, measure
from codesign.firmware.size.budget import check_slot

SOURCE = """
typedef unsigned char u8;
int zeros[25]; static u8 odd[3]; short start[5] = {1, 2, 3, 4, 5};
const u8 net_lstm_1_weights[101] = {1, 2, 3}; const u8 net_lstm_10_weights[53] = {1};
const int net_fc_bias[7] = {4}; const u8 cs_table[9] = {7};
__attribute__((section(".noinit"))) u8 kept[33];
__attribute__((section(".fast"), noinline, long_call)) int quick(int x) { return x * 3 + zeros[2]; }
__attribute__((used, section(".vectors"))) const void *const vectors[4];
__attribute__((noinline)) int helper(int x) { odd[x] = (u8)x; kept[x]++; return odd[1] + start[x]; }
int main(void) {
    volatile int i = 2;
    int (*volatile call)(int) = quick;
    return call(i) + helper(i) + zeros[i] + net_lstm_1_weights[i] + net_lstm_10_weights[i] + net_fc_bias[i] + cs_table[i];
}
"""


@pytest.fixture(scope="module")
def board():
    return load_board("nrf5340dk")


@pytest.fixture(scope="module", params=COMPILERS)
def image(request, tmp_path_factory):
    source = SOURCE if request.param == "arm-none-eabi-gcc" else SOURCE.replace(", long_call", "")
    return build(tmp_path_factory.mktemp(request.param), source, request.param)


@pytest.fixture(scope="module")
def footprint(image, board):
    return measure(image.path, board)


def test_used_bytes_equal_the_linkers_table(image, footprint):
    used = {region.name: region.used for region in footprint.regions}
    assert {"flash": image.table["FLASH"], "ram": image.table["RAM"]} == used
    assert image.table["FLASH"] > 150
    assert image.table["RAM"] > 512


def test_initialised_data_takes_both_memories_and_bss_only_ram(footprint):
    sections = {section.name: section for section in footprint.sections}
    assert sections[".data"].regions == ("flash", "ram")
    assert sections[".fast"].regions == ("flash", "ram")
    assert sections[".data"].load < sections[".data"].run
    for name in (".bss", ".noinit", ".stack"):
        assert sections[name].regions == ("ram",)
        assert sections[name].load is None
    assert footprint.outside == ()


def test_symbols(footprint):
    symbols = {symbol.name: symbol for symbol in footprint.symbols}
    assert symbols["zeros"].size == 100
    assert symbols["zeros"].regions == ("ram",)
    assert symbols["net_lstm_1_weights"].regions == ("flash",)
    assert symbols["start"].regions == ("flash", "ram")
    assert symbols["odd"].file == "unit.c"
    assert symbols["main"].address % 2 == 0


def test_groups_add_up_and_the_longest_prefix_wins(footprint):
    pairs = [("first", "net_lstm_1"), ("tenth", "net_lstm_10"), ("bias", "net_fc_bias"), ("net", "net_")]
    groups = {group.label: group for group in footprint.by_group(pairs)}
    assert groups["first"].flash == 101
    assert groups["tenth"].flash == 53
    assert groups["bias"].flash == 28
    assert "net" not in groups
    assert groups["runtime"].flash == 9
    assert groups[".stack"].ram == 512
    assert sum(group.flash for group in groups.values()) == footprint.flash
    assert sum(group.ram for group in groups.values()) == footprint.ram
    assert 0 <= groups["padding and unnamed"].flash < 32
    assert 0 <= groups["padding and unnamed"].ram < 64


def test_group_called_like_a_section_does_not_take_it(footprint):
    groups = {group.label: group for group in footprint.by_group([(".stack", "net_fc_bias")])}
    assert groups[".stack"].flash == 28
    assert groups["section .stack"].ram == 512


def test_gnu_size_knows_the_same_sections(image, footprint):
    if shutil.which("arm-none-eabi-size") is None:
        pytest.skip("arm-none-eabi-size is not on the PATH")
    command = ["arm-none-eabi-size", "-A", "-d", str(image.path)]
    lines = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
    theirs = {f[0]: int(f[1]) for line in lines if len(f := line.split()) == 3 and f[1].isdigit()}
    for section in footprint.sections:
        assert theirs[section.name] == section.size


def test_budget(footprint, board):
    checks = check_budget(footprint, board)
    assert [(c.name, c.used, c.limit, c.ok) for c in checks] == [
        ("flash", footprint.flash, 512 * 1024, True),
        ("RAM", footprint.ram, 128 * 1024, True),
    ]
    assert not BudgetCheck("flash", 11, 10).ok


def test_sections_outside_the_board_are_reported(image):
    disco = load_board("stm32f746g_disco")  # its flash is elsewhere
    found = measure(image.path, disco)
    assert {section.name for section in found.outside} >= {".text", ".rodata", ".data"}
    lost = check_budget(found, disco)[-1]
    assert lost.name == "outside the board's memories"
    assert not lost.ok


def test_memory_overflow_is_a_failed_check(image, board):
    tiny = board.model_copy(
        update={"memories": board.memories | {"ram": board.memories["ram"].model_copy(update={"length": 65536 + 64})}}
    )
    assert ("memory ram", False) in [(check.name, check.ok) for check in check_budget(measure(image.path, tiny), tiny)]


def test_stripped_files(image, footprint, board, tmp_path):
    data = bytearray(image.path.read_bytes())
    data[0x20:0x24] = data[0x30:0x34] = bytes(4)  # e_shoff; e_shnum and e_shstrndx
    bare = tmp_path / "bare.elf"
    bare.write_bytes(data)
    stripped = measure(bare, board)
    assert stripped.flash == footprint.flash
    assert stripped.symbols == ()


def test_host_board_has_no_sizes(image):
    with pytest.raises(InputError, match="native_sim has no memory map"):
        measure(image.path, load_board("native_sim"))


def header(elf_class=1, data=1, machine=40, kind=2):
    order = "<" if data == 1 else ">"
    fields = struct.pack(order + "HHIIIIIHHHHHH", kind, machine, 1, 0, 0, 0, 0, 52, 32, 0, 40, 0, 0)
    return b"\x7fELF" + bytes([elf_class, data, 1]) + bytes(9) + fields


BAD_FILES = {
    "empty": (b"", "not an ELF"),
    "text": (b"hello, world\n" * 10, "not an ELF"),
    "only magic": (b"\x7fELF", "damaged"),
    "64 bit": (header(elf_class=2, machine=62) + bytes(12), "64-bit x64"),
    "big endian": (header(data=2), "32-bit ARM"),
    "x86": (header(machine=3), "not a 32-bit little-endian Arm ELF"),
    "not linked": (header(kind=1), "not linked"),
}


@pytest.mark.parametrize(("content", "message"), BAD_FILES.values(), ids=BAD_FILES.keys())
def test_bad_files(content, message, tmp_path, board):
    path = tmp_path / "bad.elf"
    path.write_bytes(content)
    with pytest.raises(InputError, match=message) as caught:
        measure(path, board)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_missing_file_and_folder(tmp_path, board):
    for path in (tmp_path / "none.elf", tmp_path):
        with pytest.raises(InputError, match="cannot read"):
            measure(path, board)


def test_object_file_is_not_linked(image, board):
    with pytest.raises(InputError, match="not linked"):
        measure(image.path.with_name("unit.o"), board)


def test_truncated_and_damaged_files_never_crash(image, board, tmp_path):
    good = image.path.read_bytes()
    path = tmp_path / "damaged.elf"
    generator = np.random.default_rng(1)
    cuts = [good[: int(cut)] for cut in np.linspace(1, len(good) - 1, 40)]
    flips = []
    for _ in range(150):
        data = bytearray(good)
        area = 0x34 if generator.integers(2) else len(good)  # half of them in the header
        for _ in range(4):
            data[generator.integers(area)] = generator.integers(256)
        flips.append(bytes(data))
    for content in cuts + flips:
        path.write_bytes(content)
        with contextlib.suppress(InputError):
            measure(path, board)


MCUBOOT = "CONFIG_BOOTLOADER_MCUBOOT=y\nCONFIG_FLASH_LOAD_SIZE=0x70000\n"
MODE = "CONFIG_MCUBOOT_BOOTLOADER_MODE_"


@pytest.mark.parametrize(
    ("config", "kept"),
    [
        ("CONFIG_ROM_END_OFFSET=0x2096\n", 0x2096),  # what MCUboot's build says of a swap by moving, ECDSA-P256
        (f"CONFIG_ROM_END_OFFSET=0x0\n{MODE}SWAP_USING_MOVE=y\n", 464 + 4096 + 4096),
        (f"# {MODE}OVERWRITE_ONLY is not set\n", 464 + 4096 + 4096),
        (f"{MODE}SWAP_SCRATCH=y\n", 464 + 48 + 112 * 24),
        (f"{MODE}OVERWRITE_ONLY=y\n", 464 + 48),
        (f"{MODE}DIRECT_XIP=y\n", 464 + 48),
    ],
)
def test_an_image_for_mcuboot_has_its_slot_as_a_budget(config, kept, tmp_path):
    """448 KiB, 112 sectors: full to the last byte, and one more."""
    for over in (0, 1):
        script = f"{LINKER_SCRIPT}\n_flash_used = {0x70000 - kept + over};\n"
        elf = build(tmp_path, SOURCE, "arm-none-eabi-gcc", script=script).path
        (tmp_path / ".config").write_text(MCUBOOT + config)
        (check,) = check_slot(elf)
        assert check == BudgetCheck("MCUboot slot", 0x70000 + over, 0x70000)
        assert check.ok == (over == 0)


@pytest.mark.parametrize(
    "config",
    [
        "# CONFIG_BOOTLOADER_MCUBOOT is not set\nCONFIG_FLASH_LOAD_SIZE=0x6000\n",
        "CONFIG_BOOTLOADER_MCUBOOT=y\nCONFIG_FLASH_LOAD_SIZE=0x0\n",
        None,
    ],
)
def test_an_image_without_boot_loader_has_no_slot(config, tmp_path):
    elf = build(tmp_path, SOURCE, "arm-none-eabi-gcc").path
    if config is not None:
        (tmp_path / ".config").write_text(config)
    assert check_slot(elf) == []

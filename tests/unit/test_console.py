# SPDX-License-Identifier: Apache-2.0
"""The console protocol and what a run of the application tells."""

from __future__ import annotations

import ctypes
import subprocess
import zlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from codesign.base.errors import ValidationError
from codesign.base.resources import resource
from codesign.firmware.machines.console import damaged_after_last, read_lines
from codesign.firmware.machines.console_report import read_report
from codesign.firmware.machines.zephyr_files import counts_of_report
from codesign.firmware.toolchain.compilers import find_host_compiler

READY = "@codesign 1 ready model=pruned rate=16000 hop=256 hz=25000000\n"
STATS = (
    "@codesign 1 stats captured=10 frames=9 skipped=2 worst=100 worst_frame=3 average=90 elapsed=900 enhanced=8 bypassed=0 "
    "late=1 busy=1 unplayed=0 underruns=0 overruns=0 stalls=0 restarts=0 blocks=0\n"
)
END = "@codesign 1 end\n"
APP = resource("app", "src")


def test_lines_are_found_after_a_prompt_and_among_other_text():
    text = f"*** Booting Zephyr ***\nuart:~$ {READY}noise\r\n@codesign 1 stack thread=audio used=160 size=1024\r\n"
    ready, stack = read_lines(text)
    assert ready.kind == "ready"
    assert ready.fields["model"] == "pruned"
    assert ready.number("hop") == 256
    assert stack.fields == {"thread": "audio", "used": 160, "size": 1024}


@pytest.mark.parametrize("text", ["", "@codesign", "@codesign x ready", "codesign 1 ready", "@codesign 1 \n"])
def test_what_is_no_line_is_passed_over(text):
    assert list(read_lines(text)) == []


def test_another_version_is_refused():
    with pytest.raises(ValidationError, match="version 3 of"):
        list(read_lines("@codesign 3 ready\n"))
    with pytest.raises(ValidationError, match=r"version 1{20} of"):
        list(read_lines(f"@codesign {'1' * 5000} ready\n"))


def checked(words):
    """A line of version 2."""
    text = f"@codesign 2 {words}"
    return f"{text} crc={zlib.crc32(text.encode()):08x}\n"


@pytest.mark.parametrize(
    "text",
    [
        "@codesign 1 stats captured=62",  # cut in 625
        "@codesign 1 stats captured=62\r",
        "@codesign 1 stats captured=625 enh[00:00:01.2] <wrn> i2s: late\n",
        "@codesign 1 stats captured=62[00:00:01.2] <wrn> i2s: late\n",
        "@codesign 1 stats captured=625 captured=6\n",
        "@codesign 1 stats captured\n",
        checked("stats captured=625").replace("625", "62"),
        checked("stats captured=625")[:-1],
        checked("stats captured=625").replace("crc=", "crc=\n"),
        checked("stats captured=625").replace(" crc=", "[00:00:01.2] <wrn> crc="),
        checked("stats captured=625").upper(),
        "@codesign 2 stats captured=625\n",
        "@codesign 2 stats captured=625 crc=0\n",
        "@codesign 2 stats crc=00000000 captured=625\n",
    ],
)
def test_a_line_that_is_not_whole_is_no_line(text):
    assert list(read_lines(text)) == []
    after = [READY, checked("state running=1 bypass=0")]
    assert [line.kind for line in read_lines("".join([text.rstrip("\r\n") + "\n", *after]))] in (
        ["ready", "state"],
        ["stats", "ready", "state"],  # what only lacked its end
    )


def test_both_versions_are_read_and_the_check_value_is_no_field():
    for line in ("@codesign 1 stats captured=625 what=a=b\n", checked("stats captured=625 what=a=b"), checked("end")):
        (read,) = read_lines(f"uart:~$ {line[:-1]}\r\n")
        assert read.fields in ({"captured": 625, "what": "a=b"}, {})


@pytest.mark.parametrize("digits", ["9" * 21, "9" * 400, "9" * 5000, "-1", "-", "", "0x10", "1e3", "٣", "1_000"])
@pytest.mark.parametrize("version", [1, 2])
def test_hostile_numbers_are_no_numbers(digits, version):
    words = f"stats captured={digits} frames=7"
    for line in read_lines(checked(words) if version == 2 else f"@codesign 1 {words}\n"):
        assert line.number("frames") == 7
        with pytest.raises(ValidationError, match="no number captured"):
            line.number("captured")
    assert next(read_lines(checked(f"stats captured={2**64 - 1}"))).number("captured") == 2**64 - 1


@settings(max_examples=200, deadline=None)
@given(st.text(st.sampled_from("@codesign 12starcp=\r\n09٣[]<"), max_size=80), st.integers(0, 80), st.integers(0, 80))
def test_noise_in_a_checked_line_never_becomes_a_number(noise, start, end):
    line = checked("stats captured=625 frames=624 worst=100000")
    mixed = line[: min(start, end)] + noise + line[max(start, end) :]
    try:
        found = [read for read in read_lines(mixed) if read.kind == "stats" and "@codesign 1" not in mixed]
    except ValidationError:
        return  # noise that reads as another version
    assert all(read.fields == {"captured": 625, "frames": 624, "worst": 100000} for read in found)


@pytest.fixture(scope="module")
def firmware_lines(tmp_path_factory):
    """app/src/line.c on this machine: format(size, kind, name, number, name, text) -> what is printed."""
    folder = tmp_path_factory.mktemp("line")
    (folder / "call.c").write_text("""
#include "line.h"
static char text[512];
const char *format(size_t size, const char *kind, const char *a, uint64_t number, const char *b, const char *value)
{
    struct line line;
    line_begin(&line, text, size, kind);
    line_number(&line, a, number);
    line_text(&line, b, value);
    return line_end(&line);
}
""")
    sources = [str(APP / "line.c"), str(folder / "call.c")]
    flags = ["-std=c11", "-Wall", "-Wextra", "-Werror", "-shared", "-fPIC", f"-I{APP}"]
    subprocess.run([*find_host_compiler().compile, *flags, *sources, "-o", str(folder / "line.so")], check=True)
    function = ctypes.CDLL(str(folder / "line.so")).format
    function.restype = ctypes.c_char_p
    function.argtypes = [ctypes.c_size_t, *[ctypes.c_char_p] * 2, ctypes.c_uint64, *[ctypes.c_char_p] * 2]
    return lambda *arguments: function(*(a.encode() if isinstance(a, str) else a for a in arguments)).decode()


@pytest.mark.parametrize("number", [0, 9, 10, 625, 2**32 - 1, 2**64 - 1])
def test_what_the_firmware_writes_is_what_is_read(number, firmware_lines):
    text = firmware_lines(512, "stats", "captured", number, "what", "i2s")
    assert text == checked(f"stats captured={number} what=i2s")
    assert next(read_lines(text)).fields == {"captured": number, "what": "i2s"}


@pytest.mark.parametrize(("value", "written"), [("idle 00", "idle_00"), ("a\nb", "a_b"), ("", ""), (None, ""), ("é", "__")])
def test_the_firmware_keeps_a_value_in_one_word(value, written, firmware_lines):
    assert next(read_lines(firmware_lines(512, "stack", "used", 1, "thread", value))).fields["thread"] == written


def test_a_line_that_does_not_fit_is_not_printed(firmware_lines):
    whole = firmware_lines(512, "stats", "captured", 625, "what", "i2s")
    for size in range(len(whole) + 1):
        assert firmware_lines(size, "stats", "captured", 625, "what", "i2s") == ""
    assert firmware_lines(len(whole) + 1, "stats", "captured", 625, "what", "i2s") == whole


def test_the_documents_examples_are_lines():
    text = (APP.parents[1] / "docs" / "console.md").read_text(encoding="utf-8")
    assert [line.kind for line in read_lines(text)] == ["state", "ready"]


def test_missing_number_is_named():
    line = next(read_lines("@codesign 1 stats captured=x\n"))
    with pytest.raises(ValidationError, match="captured"):
        line.number("captured")


def test_run_counts_faults_and_accounts():
    report = read_report(READY + STATS + END)
    assert report.faults == {"late": 1, "busy": 1}
    assert report.accounted
    counts = counts_of_report(report, 2.0)
    assert (counts.frames, counts.worst, counts.mean) == (9, 200, 180.0)
    assert counts.outside == 900 * 2 / 9 - 180
    lost = read_report(READY + STATS.replace("enhanced=8", "enhanced=7") + END)
    assert not lost.accounted


@pytest.mark.parametrize("held", [0, 7])
def test_hops_that_held_their_filter_are_a_fault(held):
    report = read_report(READY + STATS.replace("elapsed=900", f"elapsed=900 held={held}") + END)
    assert report.faults.get("held", 0) == held
    assert report.accounted


def test_last_statistics_count():
    log = READY + STATS.replace("captured=10", "captured=5") + STATS + END
    assert read_report(log).stats.number("captured") == 10


def test_a_run_whose_last_counts_are_damaged_does_not_go_by_earlier_ones():
    damaged = checked("stats captured=11 late=5").replace("11", "1")
    for broken in (damaged, STATS.replace("late=1", "late[00:01.2] <wrn> x")):
        with pytest.raises(ValidationError, match="last counts arrived damaged: @codesign"):
            read_report(READY + STATS + broken + END)
        assert read_report(READY + broken + STATS + END).stats.number("captured") == 10
    assert damaged_after_last(READY + STATS + STATS[:-1], "stats") == ""


def test_a_stack_without_a_size_says_nothing():
    run = read_report(READY + STATS + "@codesign 1 stack thread=a used=0 size=0\n" + END)
    assert run.stacks == ()


@pytest.mark.parametrize(
    ("log", "words"),
    [
        (READY + STATS, "did not come to its end"),
        ("Hard fault!", "Hard fault!"),
        ("", "nothing"),
        (READY + "@codesign 1 error what=i2s errno=19\n" + END, "i2s, errno 19"),
    ],
)
def test_a_run_that_ended_badly_says_so(log, words):
    with pytest.raises(ValidationError, match=words):
        read_report(log)

"""The console protocol and what a run of the application tells."""

from __future__ import annotations

import numpy as np
import pytest

from codesign.base.errors import ValidationError
from codesign.firmware.machines.console import read_lines
from codesign.firmware.machines.firmware import firmware_run

READY = "@codesign 1 ready model=pruned rate=16000 hop=256 hz=25000000\n"
STATS = (
    "@codesign 1 stats captured=10 frames=9 skipped=2 worst=100 worst_frame=3 average=90 elapsed=900 enhanced=8 bypassed=0 "
    "late=1 busy=1 unplayed=0 underruns=0 overruns=0 stalls=0 restarts=0 blocks=0\n"
)
END = "@codesign 1 end\n"
PCM = np.zeros(4, np.int16)


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
    with pytest.raises(ValidationError, match="version 2"):
        list(read_lines("@codesign 2 ready\n"))


def test_missing_number_is_named():
    line = next(read_lines("@codesign 1 stats captured=x\n"))
    with pytest.raises(ValidationError, match="captured"):
        line.number("captured")


def test_run_counts_faults_and_accounts():
    run = firmware_run("test", PCM, READY + STATS + END, instructions_per_cycle=2.0)
    assert run.faults == {"late": 1, "busy": 1}
    assert run.accounted
    assert run.worst_instructions == 200
    assert run.mean_instructions == 180.0
    assert run.mean_instructions_around == 900 * 2 / 9 - 180
    lost = firmware_run("test", PCM, READY + STATS.replace("enhanced=8", "enhanced=7") + END)
    assert not lost.accounted


def test_last_statistics_count():
    log = READY + STATS.replace("captured=10", "captured=5") + STATS + END
    assert firmware_run("test", PCM, log).stats.number("captured") == 10


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
        firmware_run("test", PCM, log)

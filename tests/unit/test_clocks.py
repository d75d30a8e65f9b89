# SPDX-License-Identifier: Apache-2.0
"""Slower clocks of a core: whether the worst frame holds there, and what that can save."""

import dataclasses

import pytest

from codesign.base.errors import InputError
from codesign.firmware.boards import load_board
from codesign.firmware.toolchain.options import BuildOptions
from codesign.firmware.toolchain.zephyr import with_clock
from codesign.proof.clocks import slower_clocks
from codesign.proof.verdict import CoreLoad, Latency

BOARD = load_board("nrf5340dk")
LATENCY = Latency(
    *(400_000, 390_000.0, 10, 128_000_000, 512_000.0, 500_000.0, 0.2, "a model", 16.0, 32.0, None, 1000), deadline_ms=16.0
)


def test_half_the_clock_takes_twice_the_time_by_hand():
    (found,) = slower_clocks(LATENCY, BOARD)  # 4 ms at 128 MHz
    assert (found.hz, found.worst_ms, found.limit_ms, found.holds) == (64_000_000, 8.0, 10.0, True)
    asleep = 1 - 500_000 / (128_000 * 16)
    assert found.saves_at_most_ma == pytest.approx(asleep * BOARD.energy.sleep_ua / 1000)


def test_it_holds_only_with_its_error_and_with_time_for_everything_else():
    (late,) = slower_clocks(dataclasses.replace(LATENCY, worst_cycles=534_000.0), BOARD)  # 8.34 ms ± 20 % of 10
    assert not late.holds
    loads = [CoreLoad(0.2, 0.1, estimated, 0.2) for estimated in (0.4, 0.42)]
    assert [slower_clocks(LATENCY, BOARD, load)[0].holds for load in loads] == [True, False]


def test_boards_without_currents_or_other_clocks():
    assert slower_clocks(LATENCY, BOARD.model_copy(update={"energy": None}))[0].saves_at_most_ma is None
    assert slower_clocks(LATENCY, load_board("nrf52840dk")) == ()


def test_a_card_whose_core_runs_slower_yet_has_no_slower_clock():
    core = BOARD.core.model_copy(update={"clock_hz": 32_000_000})
    latency = dataclasses.replace(LATENCY, clock_hz=32_000_000)
    assert slower_clocks(latency, BOARD.model_copy(update={"core": core})) == ()


def test_an_image_may_run_at_a_slower_clock_of_the_card():
    slow = BOARD.with_clock(64)
    assert (slow.core.clock_hz, slow.core.slowed, BOARD.with_clock(128)) == (64_000_000, True, BOARD)
    assert with_clock(BuildOptions(("CONFIG_X=y",)), slow).defines == ("CONFIG_CODESIGN_CPU_64MHZ=y", "CONFIG_X=y")
    assert with_clock(BuildOptions(), BOARD) == BuildOptions()
    assert slower_clocks(dataclasses.replace(LATENCY, clock_hz=64_000_000), slow) == ()


@pytest.mark.parametrize("megahertz", [32, 0, -64, float("nan"), float("inf")])
def test_a_clock_that_the_card_does_not_have_is_refused(megahertz):
    with pytest.raises(InputError, match=r"nrf5340dk does not run at .* MHz") as found:
        BOARD.with_clock(megahertz)
    assert found.value.hint == "its card has 128 or 64 MHz"

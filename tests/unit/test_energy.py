# SPDX-License-Identifier: Apache-2.0
"""Energy: cycles and a card's currents by hand, cards with and without them, cells, the figures that are compared."""

import dataclasses
from types import SimpleNamespace

import pytest

from codesign.firmware.boards import Energy, list_boards, load_board
from codesign.firmware.cost.cells import load_cells
from codesign.firmware.cost.energy import consumption
from codesign.firmware.machines.run import Counts
from codesign.proof.checks import energy_of, load_of
from codesign.proof.verdict import Latency

CARD = Energy(ua_per_mhz=50.0, sleep_ua=100.0, audio_ua=1000.0, volts=3.0, error=0.25, source="a data sheet")


def board(card=CARD):
    return load_board("nrf5340dk").model_copy(update={"energy": card})


def test_a_quarter_of_the_time_running_by_hand():
    found = consumption(board(), 512_000, 16.0, 0.2)  # 4 of 16 ms at 128 MHz
    assert found.busy == pytest.approx(0.25)
    current = 0.25 * 50 * 128 + 0.75 * 100 + 1000  # µA
    assert found.milliamps == pytest.approx(current / 1000)
    assert found.frame_uj == pytest.approx(current * 1e-6 * 3.0 * 16e-3 * 1e6)
    assert found.running_uj == pytest.approx(512_000 * 50e-12 * 3.0 * 1e6)  # 50 µA/MHz are 50 pC a cycle
    assert found.error == pytest.approx(1.2 * 1.25 - 1)
    assert found.source == "a data sheet"


def test_a_frame_that_takes_longer_than_its_hop_never_sleeps():
    found = consumption(board(), 10_000_000, 16.0, 0.2)
    assert found.busy == 1.0
    assert found.milliamps == pytest.approx(50 * 128 / 1000 + 1.0)


def test_hours_are_energy_over_power():
    found = consumption(board(), 512_000, 16.0, 0.2)
    hours = {cell.cell: cell for cell in found.hours}
    cells = load_cells()
    assert {"10", "312", "13", "cp1254"} <= set(hours) == set(cells.cells)
    for name, cell in cells.cells.items():
        assert cell.source
        expected = cell.mah * cell.volts * cells.converter.efficiency / (found.milliamps * 3.0)
        assert hours[name].hours == pytest.approx(expected)
        assert hours[name].least == pytest.approx(expected / 1.5)
        assert hours[name].most == pytest.approx(expected * 1.5)
    assert hours["10"].hours < hours["312"].hours < hours["13"].hours


def test_what_a_card_leaves_out_counts_as_nothing():
    least = Energy(ua_per_mhz=50.0, volts=3.0, source="a data sheet")
    assert consumption(board(least), 512_000, 16.0, 0.2).milliamps == pytest.approx(0.25 * 50 * 128 / 1000)


def test_a_board_without_currents_has_no_estimate():
    assert consumption(board(None), 512_000, 16.0, 0.2) is None


@pytest.mark.parametrize("name", list_boards())
def test_every_shipped_current_has_its_source(name):
    card = load_board(name).energy
    if name in ("nrf5340dk", "nrf5340_audio_dk", "nrf52840dk", "nrf54l15dk"):
        assert card.ua_per_mhz > 0
        assert card.sleep_ua > 0
        assert "specification" in card.source or "datasheet" in card.source
    else:
        assert card is None, "an FPGA, a host, or a core whose document was not at hand"


def test_a_proof_asks_for_the_mean_frame():
    latency = Latency(
        *(700_000, 400_000.0, 10, 128_000_000, 800_000.0, 512_000.0, 0.2, "a model", 16.0, 32.0, None, 1000),
        deadline_ms=16.0,
    )
    assert energy_of(latency, board()) == consumption(board(), 512_000.0, 16.0, 0.2)


def test_kernel_and_drivers_are_in_it_where_the_machine_tells_how_long_the_core_sleeps():
    image = SimpleNamespace(board=board())
    latency = Latency(*(700_000, 409_600.0, 10, 128_000_000, 800_000.0, 512_000.0, 0.1, "a model", 16.0, 32.0, None, 1000))
    assert load_of(Counts(10, 700_000, 409_600.0), latency, image) is None
    load = load_of(Counts(10, 700_000, 409_600.0, executing=0.22), latency, image)
    assert (load.executed, load.enhancer) == (0.22, pytest.approx(0.2))  # 409,600 of 2,048,000 instructions
    beside = 0.02 * board().timing.cycles_per_instruction
    assert load.estimated == pytest.approx(0.25 + beside)
    assert load.error == pytest.approx((0.25 * 0.1 + beside * board().timing.error) / load.estimated)
    found = energy_of(latency, board(), load)
    assert found.busy == pytest.approx(load.estimated), "the share that is paid for is the share that was measured"
    assert found.milliamps > energy_of(latency, board()).milliamps


def test_more_cycles_never_take_less():
    figures = [dataclasses.asdict(consumption(board(), cycles, 8.0, 0.1)) for cycles in range(0, 2_000_000, 50_000)]
    for name in ("milliamps", "frame_uj", "running_uj", "busy"):
        values = [figure[name] for figure in figures]
        assert values == sorted(values)

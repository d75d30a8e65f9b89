# SPDX-License-Identifier: Apache-2.0
"""Measured current: files as PPK2 and Joulescope write them, and what is no such file, beside the estimate of a document."""

import json

import numpy as np
import pytest

from codesign.base.errors import InputError
from codesign.firmware.cost.power_log import read_power_log
from codesign.proof.power import compare_power


@pytest.fixture
def write(tmp_path):
    def write(text, name="log.csv"):
        path = tmp_path / name
        path.write_bytes(text.encode() if isinstance(text, str) else text)
        return path

    return write


def ppk2(currents_ua, step_ms=0.01, bits=""):
    """As the export of nRF Connect Power Profiler writes it: three decimals of a microampere."""
    head = "Timestamp(ms),Current(uA)" + {"": "", "one": ",D0-D7", "each": ",D0,D1,D2,D3,D4,D5,D6,D7"}[bits]
    tail = {"": "", "one": ",---01XX-", "each": ",0,1,0,0,0,0,X,-"}[bits]
    rows = [f"{index * step_ms:.12g},{current:.3f}{tail}" for index, current in enumerate(currents_ua)]
    return "\n".join([head, *rows]) + "\n"


@pytest.mark.parametrize("bits", ["", "one", "each"])
def test_a_ppk2_export(write, bits):
    currents = 2000 + 1500 * np.sin(np.arange(5000) / 30)
    found = read_power_log(write(ppk2(currents, bits=bits)))
    assert found.instrument == "PPK2"
    assert found.samples == 4999  # the first one stands for no time
    assert found.seconds == pytest.approx(0.04999)
    assert found.milliamps == pytest.approx(np.round(currents, 3)[1:].mean() / 1000)
    assert found.peak_milliamps == pytest.approx(3.5, rel=1e-4)
    assert found.milliwatts is None


def test_blocks_of_lines_do_not_show(write, monkeypatch):
    path = write(ppk2(1000 + np.arange(5000)))
    whole = read_power_log(path)
    monkeypatch.setattr("codesign.firmware.cost.power_log._BLOCK", 7)
    parts = read_power_log(path)
    assert parts.samples == whole.samples
    assert parts.milliamps == pytest.approx(whole.milliamps, rel=1e-12)


def test_samples_that_the_ppk2_left_out_count_by_their_time(write):
    path = write("Timestamp(ms),Current(uA)\n0,1000.000\n1,1000.000\n4,3000.000\n")
    assert read_power_log(path).milliamps == pytest.approx((1 * 1 + 3 * 3) / 4)


HEADERS = {
    "program": "#time,current,voltage,power,charge,energy\n",
    "driver": "time,current,voltage,power,charge,energy\n",
    "comments": "#= header=time,current,voltage,power,charge,energy\n#= units=s,A,V,W,C,J\n#& 2026 PARAM : x=1\n",
}


@pytest.mark.parametrize("header", HEADERS)
def test_a_joulescope_recording(write, header):
    rows = "0.5,0.002,3.0,0.006,0,0\n1.0,0.004,3.0,0.012,0.002,0.006\n#& an event\n1.5,0.006,2.9,0.0174,0.005,0.0147\n"
    found = read_power_log(write(HEADERS[header] + rows))
    assert found.instrument == "Joulescope"
    assert found.milliamps == pytest.approx(5.0)  # means of the two half seconds
    assert found.milliwatts == pytest.approx((12.0 + 17.4) / 2)
    assert found.seconds == pytest.approx(1.0)


def test_a_span_of_the_file(write):
    path = write(ppk2([1000.0] * 100 + [5000.0] * 100, step_ms=10.0))
    assert read_power_log(path, 1.0, 2.0).milliamps == pytest.approx(5.0)
    assert read_power_log(path, 0.0, 0.99).milliamps == pytest.approx(1.0)
    with pytest.raises(InputError, match="nothing between 5 and inf s; the file has"):
        read_power_log(path, 5.0)


BAD = {
    "empty": ("", "no line names its columns"),
    "another": ("a,b\n1,2\n", "no line names its columns"),
    "no rows": ("Timestamp(ms),Current(uA)\n", "nothing between"),
    "one row": ("Timestamp(ms),Current(uA)\n0,1\n", "nothing between"),
    "cut in a number": (ppk2([1.0, 2.0, 3.0])[:-4], "line 4 is cut off"),
    "cut after a comma": (ppk2([1.0, 2.0]) + "0.02,", "line 4 is cut off"),
    "a column short": (ppk2([1.0, 2.0]) + "0.02\n", "line 4 is not 2 columns of numbers"),
    "a column more": (ppk2([1.0, 2.0]) + "0.02,1,2\n", "line 4 is not 2 columns"),
    "words": (ppk2([1.0]) + "0.01,abc\n", "line 3 is not 2 columns of numbers"),
    "not finite": (ppk2([1.0]) + "0.01,inf\n0.02,1\n", "line 3 is not"),
    "empty line": (ppk2([1.0]) + "\n0.02,1\n", "line 3 is not"),
    "back in time": (ppk2([1.0, 2.0, 3.0]) + "0.01,1\n", "line 5: time does not go on"),
    "no time passes": (ppk2([1.0, 2.0]) + "0.01,1\n", "line 4: time does not go on"),
    "bytes": (b"\xff\xfe\x00T", "is not text|no line names"),
    "decimal commas": ("Timestamp(ms),Current(uA)\n0,5;1,0\n", "line 2 is not 2 columns"),
}


@pytest.mark.parametrize("name", BAD)
def test_what_is_no_log_is_one_line(write, name):
    text, says = BAD[name]
    with pytest.raises(InputError, match=says) as caught:
        read_power_log(write(text))
    assert "\n" not in str(caught.value)
    assert caught.value.exit_code == 2


def test_no_file_is_one_line(tmp_path):
    for path in (tmp_path / "absent.csv", tmp_path):
        with pytest.raises(InputError):
            read_power_log(path)


ENERGY = {"milliamps": 5.0, "volts": 3.0, "frame_uj": 240.0, "running_uj": 100.0, "busy": 0.25, "error": 0.4}


@pytest.mark.parametrize("kind", ["report", "verify"])
def test_beside_the_estimate_of_a_document(write, kind):
    document = {"kind": "report", "energy": ENERGY, "model": {"hop": 256, "sample_rate": 16000}}
    if kind == "verify":
        document = {"kind": "verify", "verdict": {"energy": ENERGY, "latency": {"hop_ms": 16.0}}}
    log, beside = write(ppk2([6000.0] * 100)), write(json.dumps(document), "report.json")
    found = compare_power(log, beside, "nrf5340dk", None, 0.0, float("inf"))
    assert found.volts == 3.0
    assert found.milliwatts == pytest.approx(18.0)
    assert found.frame_uj == pytest.approx(18.0 * 16)
    assert found.ratio == pytest.approx(1.2)
    assert found.within
    assert not compare_power(log, beside, "nrf5340dk", 5.0, 0.0, float("inf")).within
    assert found.hours[0].least == found.hours[0].hours == found.hours[0].most


def test_without_a_document_the_card_has_the_voltage(write):
    log = write(ppk2([6000.0] * 100))
    found = compare_power(log, None, "nrf5340dk", None, 0.0, float("inf"))
    assert (found.estimated, found.ratio, found.within, found.frame_uj) == (None, None, None, None)
    with pytest.raises(InputError, match=r"no voltages, and board stm32f746g_disco no \[energy\].*; give --volts"):
        compare_power(log, None, "stm32f746g_disco", None, 0.0, float("inf"))


@pytest.mark.parametrize(
    "document",
    [
        "{",
        "[]",
        '{"kind": "report"}',
        '{"kind": "size"}',
        '{"kind": "verify", "verdict": {"energy": null, "latency": null}}',
        json.dumps({"kind": "verify", "verdict": {"energy": {**ENERGY, "volts": 0}, "latency": {"hop_ms": 16.0}}}),
        json.dumps({"kind": "verify", "verdict": {"energy": {"volts": 3}, "latency": {"hop_ms": 16.0}}}),
    ],
)
def test_what_is_no_estimate_is_one_line(write, document):
    with pytest.raises(InputError) as caught:
        compare_power(write(ppk2([1.0, 2.0])), write(document, "report.json"), "nrf5340dk", None, 0.0, float("inf"))
    assert "\n" not in str(caught.value)


def test_current_that_runs_backwards_is_one_line(write):
    with pytest.raises(InputError, match="mean power is -3 mW"):
        compare_power(write(ppk2([-1000.0] * 3)), None, "nrf5340dk", None, 0.0, float("inf"))

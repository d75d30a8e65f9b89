# SPDX-License-Identifier: Apache-2.0
"""The sample rate that an nRF's I2S makes: Nordic's own table, and the application's check against it."""

from __future__ import annotations

import shutil
import subprocess

import pytest

from codesign.base.resources import resource
from codesign.firmware.toolchain.i2s_rate import clock_overlay, rate_of_build

TREE = """
/ {{
	aliases {{
		codesign-i2s = &i2s0;
	}};
	clock: clock@5000 {{
		hfclkaudio-frequency = < {frequency} >;
	}};
	i2s0: i2s@28000 {{
		compatible = "nordic,nrf-i2s";
		clock-source = "{source}";
		status = "okay";
	}};
}};
"""
STUBS = {
    "zephyr/devicetree.h": """
#define DT_ALIAS(name) 0
#define DT_NODELABEL(name) 0
#define DT_NODE_HAS_COMPAT(node, compatible) 1
#define DT_PROP_OR(node, name, other) AUDIO_CLOCK
#define DT_REG_ADDR(node) 0
#define DT_STRING_TOKEN(node, name) SOURCE
""",
    "zephyr/sys/sys_io.h": "static inline unsigned sys_read32(unsigned long a) { return (unsigned)a; }\n",
    "zephyr/sys/util.h": """
#define UTIL_CAT_(a, b) a##b
#define UTIL_CAT(a, b) UTIL_CAT_(a, b)
#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
""",
    "audio.h": "#include <stdint.h>\ntypedef int16_t audio_slot;\n",
}


def build(folder, *, frequency=0, nrf52=False, slot_32=False):
    zephyr = folder / "zephyr"
    zephyr.mkdir(parents=True, exist_ok=True)
    source = "ACLK" if frequency else "PCLK32M_HFXO"
    (zephyr / "zephyr.dts").write_text(TREE.format(frequency=hex(frequency), source=source), encoding="utf-8")
    options = ["CONFIG_SOC_SERIES_NRF52X=y"] * nrf52 + ["CONFIG_CODESIGN_SLOT_32=y"] * slot_32
    (zephyr / ".config").write_text("\n".join(options), encoding="utf-8")
    return folder


@pytest.mark.parametrize(
    ("rate", "made"),
    # nRF52840 product specification, "I2S", configuration examples for 16 bits
    [(16000, 15873.0), (44100, 43478.3)],
)
def test_nrf52840_makes_what_its_specification_says(tmp_path, rate, made):
    found = rate_of_build(build(tmp_path, nrf52=True), rate)
    assert found.made == pytest.approx(made, abs=0.05)


def test_nrf5340_is_exact_with_the_clock_of_the_family(tmp_path):
    for frequency, rates in ((12_288_000, (8000, 16000, 24000, 32000, 48000)), (11_289_600, (11025, 22050, 44100))):
        for rate in rates:
            assert str(rate_of_build(build(tmp_path, frequency=frequency), rate)).endswith("(exactly)")
    other = rate_of_build(build(tmp_path, frequency=12_288_000), 22050)
    assert other.error == pytest.approx(12_288_000 / 544 / 22050 - 1)  # 17 · 32
    assert rate_of_build(build(tmp_path, frequency=12_288_000, slot_32=True), 16000).made == 16000.0


def test_the_clock_follows_the_rate():
    target = "nrf5340dk/nrf5340/cpuapp"
    assert clock_overlay(resource("app"), target, 44100).name == "nrf5340dk_nrf5340_cpuapp_11289600.overlay"
    assert clock_overlay(resource("app"), target, 16000) is None
    assert clock_overlay(resource("app"), "nrf52840dk/nrf52840", 44100) is None


def test_nothing_is_known_without_a_build(tmp_path):
    assert rate_of_build(tmp_path, 16000) is None


@pytest.mark.skipif(shutil.which("gcc") is None, reason="no gcc")
def test_the_applications_check_agrees(tmp_path):
    """What the build refuses is what the table says is more than 1 % off."""
    for name, text in STUBS.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    header = tmp_path / "i2s_rate.h"
    header.write_text((resource("app") / "src" / "i2s_rate.h").read_text(encoding="utf-8"), encoding="utf-8")
    cases = [(rate, clock) for rate in (8000, 16000, 22050, 44100, 48000) for clock in (0, 12_288_000, 11_289_600)]
    for rate, clock in cases:
        defines = [f"-DCODESIGN_MODEL_SAMPLE_RATE={rate}", f"-DAUDIO_CLOCK={clock}", "-DCONFIG_CODESIGN_RATE_ERROR_PPM=10000"]
        defines += ["-DSOURCE=ACLK"] if clock else ["-DSOURCE=PCLK32M_HFXO", "-DCONFIG_SOC_SERIES_NRF52X"]
        source = '#include "i2s_rate.h"\n_Static_assert(I2S_RATE_CAN_BE_MADE, "far");\n'
        command = ["gcc", "-std=c11", "-fsyntax-only", f"-I{tmp_path}", *defines, "-xc", "-"]
        accepted = subprocess.run(command, input=source, text=True, capture_output=True, check=False).returncode == 0
        found = rate_of_build(build(tmp_path / "build", frequency=clock, nrf52=not clock), rate)
        assert accepted == (abs(found.error) <= 0.01), (rate, clock, str(found))

# SPDX-License-Identifier: Apache-2.0
"""The sample rate that the I2S of a Zephyr build makes, and the clock that fits a model's rate."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

_RATIOS = (32, 48, 64, 96, 128, 192, 256, 384, 512)
_NRF52_DIVIDERS = (8, 10, 11, 15, 16, 21, 23, 30, 31, 32, 42, 63, 125)
_PERIPHERAL_CLOCK = 32_000_000
_OTHER_FAMILY = 11025
"""Rates that are multiples of this need the audio clock of 11.2896 MHz."""


@dataclass(frozen=True)
class TrueRate:
    """Hz that was asked for, and that the dividers give."""

    wanted: int
    made: float

    @property
    def error(self) -> float:
        """Relative: 0.01 runs 1 % fast."""
        return self.made / self.wanted - 1.0

    def __str__(self) -> str:
        away = "exactly" if abs(self.error) < 1e-6 else f"{100 * self.error:+.2f} %"
        return f"{self.made:,.2f} Hz for {self.wanted:,} Hz ({away})"


def clock_overlay(application: Path, target: str, rate: int) -> Path | None:
    """The devicetree overlay of the audio clock that fits `rate`, where the board's own does not and there is one."""
    file = application / "clocks" / f"{overlay_name(target)}_11289600.overlay"
    return file if rate % _OTHER_FAMILY == 0 and file.is_file() else None


def overlay_name(target: str) -> str:
    """What Zephyr calls the files of a board."""
    return re.sub(r"[/@]", "_", target)


def rate_of_build(folder: Path, rate: int) -> TrueRate | None:
    """What the build in `folder` makes of `rate`; None where the codec makes the clocks or nothing is known of the device.

    Nordic's product specifications, "I2S": source / divider / RATIO, where RATIO is a multiple of the frame. Zephyr's driver
    takes the nearest, the smallest ratio first. The nRF5340 divides by any whole number, the nRF52840 by those of MCKFREQ's
    list.
    """
    try:
        tree = (folder / "zephyr" / "zephyr.dts").read_text(encoding="utf-8")
        options = (folder / "zephyr" / ".config").read_text(encoding="utf-8").splitlines()
    except OSError:
        return None
    alias = re.search(r"codesign-i2s = &(\w+);", tree)
    node = re.search(rf"{alias[1]}: [^{{]*\{{(.*?)\n\t*\}};", tree, re.DOTALL) if alias else None
    if node is None or "nordic,nrf-i2s" not in node[1] or "CONFIG_CODESIGN_I2S_CODEC_IS_MASTER=y" in options:
        return None
    source = _PERIPHERAL_CLOCK
    if 'clock-source = "ACLK"' in node[1]:
        frequency = re.search(r"hfclkaudio-frequency = < (0x[0-9a-f]+|\d+) >", tree)
        source = int(frequency[1], 0) if frequency else source
    frame = 2 * (32 if "CONFIG_CODESIGN_SLOT_32=y" in options else 16)
    ratios = [ratio for ratio in _RATIOS if ratio % frame == 0]
    if "CONFIG_SOC_SERIES_NRF52X=y" in options:
        made = [source / divider / ratio for ratio in ratios for divider in _NRF52_DIVIDERS]
    else:
        made = [source / max(1, round(source / rate / ratio)) / ratio for ratio in ratios]
    return TrueRate(rate, min(made, key=lambda hertz: abs(hertz - rate)))

# SPDX-License-Identifier: Apache-2.0
"""emulate: Image + PCM → Run. The emulated image is the linked ELF itself, from its reset vector on."""

from codesign.firmware.machines.bare import build_for_emulation, emulate_bare
from codesign.firmware.machines.qemu import emulate_qemu
from codesign.firmware.machines.run import LayerCost, Run
from codesign.firmware.machines.unicorn import emulate_unicorn

__all__ = ["LayerCost", "Run", "build_for_emulation", "emulate_bare", "emulate_qemu", "emulate_unicorn"]

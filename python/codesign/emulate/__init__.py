"""emulate: Image + PCM → Run. The emulated image is the linked ELF itself, from its reset vector on."""

from codesign.emulate.bare import build_for_emulation, emulate_bare
from codesign.emulate.qemu import emulate_qemu
from codesign.emulate.run import LayerCost, Run
from codesign.emulate.unicorn import emulate_unicorn

__all__ = ["LayerCost", "Run", "build_for_emulation", "emulate_bare", "emulate_qemu", "emulate_unicorn"]

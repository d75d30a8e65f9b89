# SPDX-License-Identifier: Apache-2.0
"""A machine for tests, as docs/add-an-emulator.md describes one: the host library, counting a thousand instructions a frame."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from codesign.firmware.machines import MACHINES
from codesign.firmware.machines.machine import Machine
from codesign.firmware.machines.run import counts_of


class ToyMachine(Machine):
    """The library of this computer under another name."""

    name = "toy"
    title = "image in the toy"
    runtime = "host"

    def runs(self, board):
        return True

    def check_tools(self, *, profile=False):
        MACHINES["host"].check_tools()

    def _run(self, image, pcm, options):
        run = MACHINES["host"].run(image, pcm, options)
        return replace(run, machine=self.name, counts=counts_of(np.full(run.frames, 1000, np.int64)))


MACHINE = ToyMachine()

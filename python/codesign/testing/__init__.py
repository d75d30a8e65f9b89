# SPDX-License-Identifier: Apache-2.0
"""dut: firmware in Renode, in QEMU or behind a serial port as pytest-embedded's device under test. docs/testing-firmware.md"""

# SPDX-License-Identifier: Apache-2.0
"""Tests of firmware: the device under test in Renode, in QEMU or at a serial port for pytest, and calls of single functions.

docs/renode.md, "Tests of firmware", has the options.
"""

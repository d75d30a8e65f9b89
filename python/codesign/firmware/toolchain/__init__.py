# SPDX-License-Identifier: Apache-2.0
"""build: generated sources + runtime/ → a shared library for the host, a bare ELF, or the Zephyr application."""

from codesign.firmware.image import Image
from codesign.firmware.toolchain.bare import build_bare
from codesign.firmware.toolchain.build import build_image, check_image_folder
from codesign.firmware.toolchain.compilers import ArmCompiler, HostCompiler, find_arm_compiler, find_host_compiler
from codesign.firmware.toolchain.host import build_host
from codesign.firmware.toolchain.options import BuildOptions
from codesign.firmware.toolchain.own_image import own_image
from codesign.firmware.toolchain.zephyr import build_zephyr

__all__ = [
    "ArmCompiler",
    "BuildOptions",
    "HostCompiler",
    "Image",
    "build_bare",
    "build_host",
    "build_image",
    "build_zephyr",
    "check_image_folder",
    "find_arm_compiler",
    "find_host_compiler",
    "own_image",
]

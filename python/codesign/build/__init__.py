"""build: generated sources + runtime/ → a shared library for the host, a bare ELF, or the Zephyr application."""

from codesign.build.bare import build_bare
from codesign.build.compilers import ArmCompiler, HostCompiler, find_arm_compiler, find_host_compiler
from codesign.build.host import build_host
from codesign.build.image import Image
from codesign.build.zephyr import build_zephyr

__all__ = [
    "ArmCompiler",
    "HostCompiler",
    "Image",
    "build_bare",
    "build_host",
    "build_zephyr",
    "find_arm_compiler",
    "find_host_compiler",
]

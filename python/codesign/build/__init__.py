"""build: generated sources + runtime/ → a shared library for the host, or an ELF at a board's memory map."""

from codesign.build.bare import build_bare
from codesign.build.compilers import ArmCompiler, HostCompiler, find_arm_compiler, find_host_compiler
from codesign.build.host import build_host
from codesign.build.image import Image

__all__ = [
    "ArmCompiler",
    "HostCompiler",
    "Image",
    "build_bare",
    "build_host",
    "find_arm_compiler",
    "find_host_compiler",
]

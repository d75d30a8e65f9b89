# SPDX-License-Identifier: Apache-2.0
"""What is on this machine: compilers, emulators and packages, without importing or running anything slow."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import re
import shutil
import subprocess
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from codesign.base.errors import CodesignError, ToolError

VERSION_TIMEOUT = 2.0


@dataclass(frozen=True)
class ToolCheck:
    """One tool: whether and where it was found, what it enables and how to get it."""

    name: str
    found: bool
    version: str
    where: str
    enables: str
    how_to_get: str


@dataclass(frozen=True)
class _Program:
    name: str
    commands: tuple[str, ...]
    enables: str
    how_to_get: str
    arguments: tuple[str, ...] = ("--version",)
    variable: str = ""  # of the environment: names the program instead of `commands`


@dataclass(frozen=True)
class _Package:
    name: str
    modules: tuple[tuple[str, str], ...]  # (import name, distribution)
    enables: str
    how_to_get: str


_PROGRAMS = (
    _Program(
        "host C compiler",
        ("cc", "gcc", "clang"),
        "host runtime (ziglang is used where it is missing)",
        "apt install gcc, or pip install ziglang",
        variable="CC",
    ),
    _Program(
        "arm-none-eabi-gcc",
        ("arm-none-eabi-gcc",),
        "smaller and faster firmware than ziglang's; Zephyr builds",
        "apt install gcc-arm-none-eabi libnewlib-arm-none-eabi",
    ),
    _Program("west", ("west",), "Zephyr workspaces, codesign as a west command", "pip install west"),
    _Program("cmake", ("cmake",), "Zephyr builds", "pip install cmake"),
    _Program("ninja", ("ninja",), "Zephyr builds", "pip install ninja"),
    _Program(
        "qemu-system-arm",
        ("qemu-system-arm",),
        "Cortex-M55 and Zephyr images in QEMU",
        "apt install qemu-system-arm, or set CODESIGN_QEMU",
        variable="CODESIGN_QEMU",
    ),
    # Renode's --version starts a .NET runtime, which takes longer than all other checks together.
    _Program(
        "renode",
        ("renode",),
        "Zephyr images with I2S in Renode",
        "https://renode.io, version 1.16 or newer, or set CODESIGN_RENODE",
        (),
        variable="CODESIGN_RENODE",
    ),
)

_PACKAGES = (
    _Package("ziglang", (("ziglang", "ziglang"),), "firmware and host builds without a toolchain", "pip install ziglang"),
    _Package("unicorn", (("unicorn", "unicorn"),), "the embedded emulator: run, verify, demo", "pip install unicorn"),
    _Package(
        "capstone",
        (("capstone", "capstone"),),
        "stack and estimated cycles: size, run, verify",
        "pip install capstone",
    ),
    _Package("onnxruntime", (("onnxruntime", "onnxruntime"),), "independent check of the network", "pip install onnxruntime"),
    _Package(
        "LiteRT",
        (("ai_edge_litert", "ai-edge-litert"),),
        "independent check of TFLite models",
        "pip install ai-edge-litert",
    ),
    _Package(
        "tflite-runtime",
        (("tflite_runtime", "tflite-runtime"),),
        "the same check where LiteRT has no wheel",
        "pip install tflite-runtime (Python 3.11 or older)",
    ),
    _Package("matplotlib", (("matplotlib", "matplotlib"),), "PNG plots of reports", "pip install 'codesign[plots]'"),
    _Package("torch", (("torch", "torch"),), "training and compression", "pip install 'codesign[train]'"),
    _Package(
        "pyroomacoustics",
        (("pyroomacoustics", "pyroomacoustics"),),
        "simulated rooms in training mixtures",
        "pip install pyroomacoustics, or set rooms = 0 in the recipe",
    ),
    _Package("optuna", (("optuna", "optuna"),), "search", "pip install 'codesign[search]'"),
    _Package("ray", (("ray", "ray"),), "search, train and evaluate on a cluster", "pip install 'codesign[cluster]'"),
    _Package("pesq", (("pesq", "pesq"),), "PESQ-WB in evaluate", "pip install pesq"),
    _Package("pyclarity", (("clarity", "pyclarity"),), "HASPI and HASQI in evaluate", "pip install 'codesign[metrics]'"),
)


def diagnose() -> tuple[ToolCheck, ...]:
    """Look for every tool. Never raises; takes at most some seconds."""
    with ThreadPoolExecutor() as pool:
        programs = list(pool.map(_program, _PROGRAMS))
    return (*programs, *map(_package, _PACKAGES), _zephyr(), _zephyr_toolchain())


def absent(text: str) -> tuple[ToolCheck, ...]:
    """The tools named in `text`, an error say, that are not on this machine."""
    words = set(re.findall(r"[\w-]+", text.lower()))
    programs = [_program(tool) for tool in _PROGRAMS if tool.name.lower() in words]
    packages = [_package(tool) for tool in _PACKAGES if tool.name.lower() in words]
    return tuple(check for check in (*programs, *packages) if not check.found)


def missing(name: str) -> ToolError:
    """The error to raise when the tool `name`, as `diagnose` calls it, is not there.

    Raises:
        KeyError: doctor knows no such tool.
    """
    known: dict[str, _Program | _Package] = {tool.name: tool for tool in (*_PROGRAMS, *_PACKAGES)}
    tool = known[name]
    return ToolError(f"{name} is not installed; it is needed for {tool.enables}", hint=f"{tool.how_to_get}; codesign doctor")


def _program(program: _Program) -> ToolCheck:
    chosen = os.environ.get(program.variable, "") if program.variable else ""
    wanted = (chosen,) if chosen and program.name != "host C compiler" else (chosen, *program.commands)
    path = next((path for command in wanted if command and (path := shutil.which(command))), "")
    version = _version((path, *program.arguments)) if path and program.arguments else ""
    found = version or "found" if path else ""
    return ToolCheck(program.name, bool(path), found, path, program.enables, program.how_to_get)


def _version(command: tuple[str, ...]) -> str:
    try:
        done = subprocess.run(
            command,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=VERSION_TIMEOUT,
            check=False,
            stdin=subprocess.DEVNULL,
        )
    except (OSError, ValueError, subprocess.SubprocessError):
        return "found, but does not run"
    if done.returncode != 0:
        return "found, but does not run"
    return next((line.strip() for line in done.stdout.splitlines() if line.strip()), "unknown version")


def _package(package: _Package) -> ToolCheck:
    for module, distribution in package.modules:
        try:
            spec = importlib.util.find_spec(module)
        except (ImportError, ValueError, AttributeError):
            spec = None
        if spec is None:
            continue
        try:
            version = importlib.metadata.version(distribution)
        except importlib.metadata.PackageNotFoundError:
            version = "unknown version"
        where = str(Path(spec.origin).parent) if spec.origin else next(iter(spec.submodule_search_locations or ()), "")
        return ToolCheck(package.name, True, version, where, package.enables, package.how_to_get)
    return ToolCheck(package.name, False, "", "", package.enables, package.how_to_get)


def _zephyr() -> ToolCheck:
    from codesign.firmware.toolchain.zephyr_workspace import find_workspace  # build itself raises with `missing`

    enables = "Zephyr builds of the application"
    try:
        base = find_workspace().base
    except CodesignError as error:
        return ToolCheck("Zephyr", False, "", os.environ.get("ZEPHYR_BASE", ""), enables, str(error))
    lines = Path(base, "VERSION").read_text(encoding="utf-8", errors="replace").splitlines()
    fields = {key.strip(): value.strip() for key, _, value in (line.partition("=") for line in lines)}
    version = ".".join(fields.get(key, "?") for key in ("VERSION_MAJOR", "VERSION_MINOR", "PATCHLEVEL"))
    return ToolCheck("Zephyr", True, version, str(base), enables, "west update")


def _zephyr_toolchain() -> ToolCheck:
    from codesign.firmware.boards import load_board
    from codesign.firmware.toolchain.zephyr_workspace import find_toolchain

    enables = "Zephyr builds for Arm boards"
    how = "west sdk install -t arm-zephyr-eabi, or apt install gcc-arm-none-eabi"
    try:
        return ToolCheck("Zephyr toolchain", True, find_toolchain(load_board("nrf5340dk")).name, "", enables, how)
    except CodesignError:
        return ToolCheck("Zephyr toolchain", False, "", "", enables, how)

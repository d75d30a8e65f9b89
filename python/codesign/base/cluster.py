# SPDX-License-Identifier: Apache-2.0
"""Joining a Ray cluster: one that runs, or one of this machine alone that lasts as long as the command."""

from __future__ import annotations

import os
import re
import socket
from typing import Any

from codesign.base.errors import ToolError, one_line

HERE = "local"
PATIENCE = 10.0  # seconds that a cluster's head may take to answer


def load_ray() -> Any:
    """Ray, which takes seconds to import.

    Raises:
        ToolError: it is not installed.
    """
    os.environ.setdefault("RAY_BACKEND_LOG_LEVEL", "fatal")  # errors here are one line that says what is wrong
    try:
        import ray
    except ImportError as error:
        raise ToolError("ray is not installed; it runs work on a cluster", hint="pip install 'codesign[cluster]'") from error
    return ray


def join(address: str) -> Any:
    """Ray, joined to the cluster: "auto" is the one that this machine is part of, "local" a new one of this machine alone.

    Raises:
        ToolError: Ray is not installed, or there is no cluster.
    """
    ray = load_ray()
    try:
        _knock(address)
        if not ray.is_initialized():
            ray.init(
                address=address,
                log_to_driver=False,
                logging_level="error",
                **({"include_dashboard": False} if address == HERE else {}),
            )
    except Exception as error:  # Ray raises whatever it likes, as a bare Exception where its processes start too slowly
        hint = "give it again when the machine is less busy" if address == HERE else "ray start --head begins one here"
        raise ToolError(f"no Ray cluster at '{address}': {one_line(str(error), 160)}", hint=hint) from error
    return ray


def _knock(address: str) -> None:
    """Reach the head of an address HOST:PORT or ray://HOST:PORT: Ray itself tries a closed port for a quarter of an hour.

    Raises:
        OSError: nothing answers there, or the host has no address.
    """
    host, colon, port = address.removeprefix("ray://").rpartition(":")
    if colon and port.isdecimal():
        socket.create_connection((host.strip("[]"), int(port)), timeout=PATIENCE).close()


def reason_of(error: BaseException) -> str:
    """What went wrong, of an error of Ray's that tells a whole traceback: its last line."""
    lines = [line for line in re.sub(r"\x1b\[\d*m", "", str(error)).splitlines() if line.strip(" ^~")]
    return one_line(lines[-1] if lines else type(error).__name__, 200)


def slots(ray: Any, cpus: float, gpus: float) -> int:
    """How many jobs of so many CPUs and GPUs the cluster runs at the same time."""
    found = ray.cluster_resources()
    fits = [int(found.get(name, 0) // each) for name, each in (("CPU", cpus), ("GPU", gpus)) if each > 0]
    return min(fits, default=0)


def need_slots(ray: Any, wanted: int, cpus: float, gpus: float, hint: str) -> int:
    """As `slots`.

    Raises:
        ToolError: they are fewer than wanted.
    """
    count = slots(ray, cpus, gpus)
    if count < wanted:
        found = ray.cluster_resources()
        jobs = f"{wanted} workers take" if wanted > 1 else "a worker takes"
        raise ToolError(
            f"the Ray cluster has {found.get('CPU', 0):g} CPUs and {found.get('GPU', 0):g} GPUs: room for {count}, where "
            f"{jobs} {cpus:g} and {gpus:g} each",
            hint=hint,
        )
    return count

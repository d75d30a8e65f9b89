# SPDX-License-Identifier: Apache-2.0
"""Where the jobs of a search run: in processes of this machine, or on a Ray cluster. A job that is lost is made again."""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any

from codesign.base.errors import CodesignError, ToolError, one_line
from codesign.base.isolate.workers import LimitedCall, Workers
from codesign.firmware.doctor import missing

JOB_SECONDS = 14 * 24 * 3600.0
LOST_TIMES = 5
"""How often a job may be lost before its trial is given up."""


@dataclass(frozen=True)
class Outcome:
    """What a job returned; or `error`, what it raised; or `lost`: what became of its process."""

    value: Any = None
    error: CodesignError | None = None
    lost: str = ""


class Executor(ABC):
    """Runs functions of modules, with arguments that can be pickled."""

    slots: int
    """Jobs that run at the same time."""

    @abstractmethod
    def submit(self, function: Callable[..., Any], *arguments: Any) -> Future[Outcome]:
        """Run a job."""

    @abstractmethod
    def close(self) -> None:
        """End all jobs; what they were doing is given up."""


class Processes(Executor):
    """`count` processes, each with one thread."""

    def __init__(self, count: int) -> None:
        self.slots = count
        self._workers = Workers(count)

    def submit(self, function: Callable[..., Any], *arguments: Any) -> Future[Outcome]:
        answers = self._workers.submit([LimitedCall(_caught, (function, arguments), JOB_SECONDS)])
        result: Future[Outcome] = Future()

        def hand_over(done: Future[Any]) -> None:
            if (error := done.exception()) is not None:
                result.set_exception(error)
                return
            (answer,) = done.result()
            result.set_result(answer.value or Outcome(lost=f"was lost ({answer.problem})"))

        answers.add_done_callback(hand_over)
        return result

    def close(self) -> None:
        self._workers.close()


class RayCluster(Executor):
    """A Ray cluster: "auto" joins the one that this machine is part of, an address another. Each job takes `cpus` and `gpus`.

    Machines of the cluster need codesign with torch, and the search's folder under the same path.
    """

    def __init__(self, address: str, cpus: float = 1.0, gpus: float = 0.0) -> None:
        try:
            import ray
        except ImportError as error:
            raise missing("ray") from error
        self._ray = ray
        os.environ.setdefault("RAY_BACKEND_LOG_LEVEL", "fatal")  # the one line below says what is wrong
        try:
            if not ray.is_initialized():
                ray.init(address=address, log_to_driver=False, logging_level="error")
        except (ConnectionError, ValueError, RuntimeError, OSError) as error:
            raise ToolError(
                f"no Ray cluster at '{address}': {one_line(str(error), 160)}", hint="ray start --head begins one here"
            ) from error
        found = ray.cluster_resources()
        self.slots = int(found.get("CPU", 0) // cpus) if not gpus else int(found.get("GPU", 0) // gpus)
        if self.slots < 1:
            raise ToolError(
                f"the Ray cluster has {found.get('CPU', 0):g} CPUs and {found.get('GPU', 0):g} GPUs, a job takes {cpus:g} "
                f"and {gpus:g}",
                hint="give smaller --cpus-per-job or --gpus-per-job",
            )
        # A lost job comes back to the search, which makes it again and counts it: Ray itself makes none twice.
        self._remote = ray.remote(num_cpus=cpus, num_gpus=gpus, max_retries=0)(_caught)

    def submit(self, function: Callable[..., Any], *arguments: Any) -> Future[Outcome]:
        asked = self._remote.remote(function, arguments).future()
        result: Future[Outcome] = Future()

        def hand_over(done: Future[Any]) -> None:
            error = done.exception()
            result.set_result(done.result() if error is None else Outcome(lost=f"was lost ({type(error).__name__})"))

        asked.add_done_callback(hand_over)
        return result

    def close(self) -> None:
        self._ray.shutdown()


def _caught(function: Callable[..., Any], arguments: tuple[Any, ...]) -> Outcome:
    """The value of a call or the error that it raised, whole: a message alone would lose its kind and its hint."""
    try:
        return Outcome(function(*arguments))
    except CodesignError as error:
        return Outcome(error=error)

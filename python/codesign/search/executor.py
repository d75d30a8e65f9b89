# SPDX-License-Identifier: Apache-2.0
"""Where the jobs of a search run: in processes of this machine, or on a Ray cluster. A job that is lost is made again."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any

from codesign.base.cluster import join, need_slots
from codesign.base.errors import CodesignError, ToolError
from codesign.base.isolate.workers import LimitedCall, Workers

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
    """A Ray cluster at an address, as `join` takes it. Each job takes `cpus` and `gpus`.

    Machines of the cluster need codesign with torch, and the search's folder under the same path.
    """

    def __init__(self, address: str, cpus: float = 1.0, gpus: float = 0.0) -> None:
        self._ray = ray = join(address)
        try:
            self.slots = need_slots(ray, 1, cpus, gpus, "give smaller --cpus-per-job or --gpus-per-job")
        except ToolError:
            ray.shutdown()
            raise
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

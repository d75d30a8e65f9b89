# SPDX-License-Identifier: Apache-2.0
"""Workers on a Ray cluster: the same calls with the same limits and the same one thread, on whichever machine has room."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Future
from functools import cache
from typing import Any, Protocol, Self

from codesign.base.cluster import join, need_slots, reason_of
from codesign.base.errors import ToolError
from codesign.base.isolate.workers import Answer, LimitedCall, Workers

LOST_TIMES = 5
"""How often Ray makes calls again whose worker was lost."""


class Pool(Protocol):
    """Makes calls in processes, `count` at the same time."""

    count: int

    def submit(self, calls: Sequence[LimitedCall]) -> Future[tuple[Answer, ...]]:
        """An answer for each call, in order."""
        ...


class ClusterWorkers:
    """Processes of a Ray cluster, one for each CPU, that make calls as Workers do; a machine that is lost costs time only.

    Raises:
        ToolError: no Ray, no cluster, or no CPU in it.
    """

    def __init__(self, address: str) -> None:
        self._ray = join(address)
        try:
            self.count = need_slots(self._ray, 1, 1.0, 0.0, "add machines: ray start --address=…")
        except ToolError:
            self.close()
            raise
        self._remote = self._ray.remote(num_cpus=1, max_retries=LOST_TIMES)(_made)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def submit(self, calls: Sequence[LimitedCall]) -> Future[tuple[Answer, ...]]:
        """An answer for each call, in order. The future raises ToolError when their worker was lost too often."""
        result: Future[tuple[Answer, ...]] = Future()

        def hand_over(done: Future[Any]) -> None:
            error = done.exception()
            if error is None:
                result.set_result(done.result())
            elif isinstance(error, self._ray.exceptions.RayTaskError):
                hint = "every machine needs the same codesign, with the packages of the measures"
                result.set_exception(ToolError(f"a worker of the cluster cannot compute: {reason_of(error)}", hint=hint))
            else:
                said = f"workers of the cluster were lost {LOST_TIMES + 1} times: {reason_of(error)}"
                result.set_exception(ToolError(said))

        self._remote.remote(tuple(calls)).future().add_done_callback(hand_over)
        return result

    def close(self) -> None:
        """Leave the cluster; what was computed for this command is given up."""
        self._ray.shutdown()


@cache
def _process() -> Workers:
    """The one process of a worker: Ray calls one worker many times."""
    return Workers(1)


def _made(calls: tuple[LimitedCall, ...]) -> tuple[Answer, ...]:
    return _process().submit(calls).result()

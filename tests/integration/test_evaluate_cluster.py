# SPDX-License-Identifier: Apache-2.0
"""Scores on a Ray cluster of this machine: those of processes here, whatever is lost on the way."""

from __future__ import annotations

import os
import signal

import pytest

pytest.importorskip("ray", reason="no ray: pip install 'codesign[cluster]'")

from codesign.base.errors import ToolError
from codesign.base.isolate import ClusterWorkers, LimitedCall, Workers

pytestmark = pytest.mark.slow


def squared(value):
    return value * value


def dies_once(path):
    """Ends the Ray worker that this process works for, the first time."""
    try:
        os.close(os.open(path, os.O_CREAT | os.O_EXCL))
    except FileExistsError:
        return "again"
    os.kill(os.getppid(), signal.SIGKILL)
    return "never"


def fails():
    raise ValueError("no")


def test_calls_are_answered_in_order_and_lost_ones_are_made_again(tmp_path):
    calls = [[LimitedCall(squared, (n,), 60.0), LimitedCall(squared, (-n,), 60.0)] for n in range(8)]
    calls.append([LimitedCall(dies_once, (str(tmp_path / "died"),), 60.0)])
    calls.append([LimitedCall(fails, (), 60.0)])
    with ClusterWorkers("local") as cluster, Workers(1) as here:
        assert cluster.count >= 1
        there = [cluster.submit(some) for some in calls]
        for some, future in zip(calls[:-2], there[:-2], strict=True):
            assert future.result(600) == here.submit(some).result(600)
        assert [answer.value for answer in there[-2].result(600)] == ["again"]
        assert there[-1].result(600)[0].problem == "ValueError: no"


def test_a_cluster_that_is_not_there_is_one_line():
    with pytest.raises(ToolError, match=r"no Ray cluster at '127\.0\.0\.1:9'"):
        ClusterWorkers("127.0.0.1:9")

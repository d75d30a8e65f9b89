# SPDX-License-Identifier: Apache-2.0
"""Scores on a Ray cluster of this machine: those of processes here, whatever is lost on the way."""

from __future__ import annotations

import operator
import subprocess
import sys

import pytest

pytest.importorskip("ray", reason="no ray: pip install 'codesign[cluster]'")

from codesign.base.errors import ToolError
from codesign.base.isolate import ClusterWorkers, LimitedCall, Workers

pytestmark = pytest.mark.slow
DIES_ONCE = """
import os, pathlib, signal, sys
try:
    os.close(os.open(sys.argv[1], os.O_CREAT | os.O_EXCL))
except FileExistsError:
    print("again", end="")
else:
    worker = pathlib.Path(f"/proc/{os.getppid()}/stat").read_text().rpartition(")")[2].split()[1]
    os.kill(int(worker), signal.SIGKILL)
"""
"""Ends the Ray worker that the process which runs this works for, the first time."""


def test_calls_are_answered_in_order_and_lost_ones_are_made_again(tmp_path):
    calls = [[LimitedCall(operator.mul, (n, n), 60.0), LimitedCall(operator.sub, (n, 1), 60.0)] for n in range(8)]
    dying = [sys.executable, "-c", DIES_ONCE, str(tmp_path / "died")]
    with ClusterWorkers("local") as cluster, Workers(1) as here:
        assert cluster.count >= 1
        there = [cluster.submit(some) for some in calls]
        lost = cluster.submit([LimitedCall(subprocess.check_output, (dying,), 600.0)])
        failed = cluster.submit([LimitedCall(operator.truediv, (1, 0), 60.0)])
        for some, future in zip(calls, there, strict=True):
            assert future.result(600) == here.submit(some).result(600)
        assert [answer.value for answer in lost.result(600)] == [b"again"]
        assert failed.result(600)[0].problem == "ZeroDivisionError: division by zero"


def test_a_cluster_that_is_not_there_is_one_line():
    with pytest.raises(ToolError, match=r"no Ray cluster at '127\.0\.0\.1:9'"):
        ClusterWorkers("127.0.0.1:9")

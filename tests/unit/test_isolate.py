# SPDX-License-Identifier: Apache-2.0
"""Calls in processes of their own: every answer but those of calls that die, hang or fail."""

import os
import signal

import pytest

import fragile
from codesign.base.errors import ToolError
from codesign.base.isolate import LimitedCall, Workers


def answers(workers, *functions, seconds=60.0):
    calls = [LimitedCall(function, arguments, seconds) for function, *arguments in functions]
    return [(answer.value, answer.problem) for answer in workers.submit(calls).result()]


def test_a_death_costs_one_call():
    with Workers(1) as workers:
        found = answers(workers, (fragile.echo, 1), (fragile.die,), (fragile.echo, 2), (fragile.leave,), (fragile.echo, 3))
        assert found == [
            (1, ""), (None, "its process died of SIGSEGV"), (2, ""), (None, "its process ended with code 3"), (3, ""),
        ]  # fmt: skip
        found = answers(workers, (fragile.refuse,), (fragile.fail,), (fragile.echo, 4))
        assert found == [(None, "no speech"), (None, "ZeroDivisionError: by nothing"), (4, "")]


@pytest.mark.slow
def test_a_call_that_hangs_is_ended():
    with Workers(1) as workers:
        assert answers(workers, (fragile.echo, 1), (fragile.hang,), seconds=5.0) == [(1, ""), (None, "took longer than 5 s")]
        assert answers(workers, (fragile.echo, 2)) == [(2, "")]


def test_what_an_earlier_call_left_behind_does_not_cost_a_later_one():
    with Workers(1) as workers:
        found = answers(workers, (fragile.dies_when_used, "a"), (fragile.dies_when_used, "a"), (fragile.die,))
    assert [problem for _, problem in found] == ["", "", "its process died of SIGSEGV"]
    assert found[0][0] != found[1][0]


def test_many_deaths_in_many_processes():
    with Workers(3) as workers:
        jobs = [workers.submit([LimitedCall(fragile.die, (), 60.0), LimitedCall(fragile.echo, (i,), 60.0)]) for i in range(4)]
        assert [[answer.value for answer in job.result()] for job in jobs] == [[None, i] for i in range(4)]


def test_one_thread_each():
    with Workers(1) as workers:
        assert answers(workers, (fragile.threads,)) == [("1", "")]


def test_closing_ends_what_runs():
    workers = Workers(2)
    pid = answers(workers, (os.getpid,))[0][0]
    running = [workers.submit([LimitedCall(fragile.hang, (), 1000.0)]) for _ in range(5)]
    workers.close()
    assert all(job.done() for job in running)
    with pytest.raises(ProcessLookupError):
        os.kill(pid, signal.SIGCONT)


def test_a_python_that_does_not_start(monkeypatch, tmp_path):
    monkeypatch.setattr("sys.executable", str(tmp_path / "none"))
    with pytest.raises(ToolError, match="cannot start a process"):
        Workers(1)
    monkeypatch.setattr("sys.executable", "/bin/false")
    with Workers(1) as workers, pytest.raises(ToolError, match="does not start: it ended with code"):
        answers(workers, (fragile.echo, 1))

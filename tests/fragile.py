# SPDX-License-Identifier: Apache-2.0
"""Measures that end their process, as a library in C may: `compute` of evaluate for tests of what that costs."""

import os
import signal
import time

from codesign.base.errors import InputError


def dies_of_ones(key, estimate, noisy, clean, sample_rate, audiogram):
    """As compute, but ESTOI kills its process where the estimate begins with a sample of 1."""
    from codesign.hearing.evaluate.measures import compute

    if key == "estoi" and estimate[0] == 1:
        os.kill(os.getpid(), signal.SIGSEGV)
    return compute(key, estimate, noisy, clean, sample_rate, audiogram)


def echo(value):
    return value


def die():
    os.kill(os.getpid(), signal.SIGSEGV)


def dies_when_used(name):
    """Dies in a process that made this call before, as of memory that the first call spoilt."""
    if os.environ.get("USED") == name:
        os.abort()
    os.environ["USED"] = name
    return os.getpid()


def leave():
    os._exit(3)


def hang():
    time.sleep(1000)


def refuse():
    raise InputError("no speech", hint="speak")


def fail():
    raise ZeroDivisionError("by\nnothing")


def threads():
    return os.environ["OPENBLAS_NUM_THREADS"]

# SPDX-License-Identifier: Apache-2.0
"""The process that makes calls for another: it reads them from a connection and answers each as soon as it is made."""

from __future__ import annotations

import pickle
import resource
from multiprocessing.connection import Connection

from codesign.base.errors import CodesignError, one_line

READY = b"ready"


def main(descriptor: int) -> None:
    """Serve the other end of `descriptor` until it is closed."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # that a call may die here is expected: no core files
    with Connection(descriptor) as connection:
        connection.send_bytes(READY)
        while True:
            try:
                calls = connection.recv_bytes()
            except EOFError:
                return
            serve(connection, calls)


def serve(connection: Connection, calls: bytes) -> None:
    """Answer (value, "") or (None, reason) for each of the pickled (function, arguments) pairs, in order."""
    for function, arguments in pickle.loads(calls):  # noqa: S301 - from the process that started this one
        try:
            answer = (function(*arguments), "")
        except CodesignError as error:
            answer = (None, error.message)
        except Exception as error:  # whatever a library raises costs this call, no other
            answer = (None, one_line(f"{type(error).__name__}: {error}"))
        connection.send(answer)

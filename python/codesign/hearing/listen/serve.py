# SPDX-License-Identifier: Apache-2.0
"""A small server for a listening test: hands out the test's files, takes results; on localhost, or asked for it in a network,
where every address begins with a token that nobody can guess.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import re
import secrets
import socket
import sys
import threading
import time
from collections.abc import Callable
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from codesign.base.errors import InputError
from codesign.base.files import make_folder
from codesign.base.files.output_file import replace_file
from codesign.hearing.listen.results import MAX_BYTES, parse_result

HOST = "127.0.0.1"
TOKEN_BYTES = 16
"""Of a network's token: 128 bits."""
MAX_RESULTS = 10_000
MAX_CONNECTIONS = 64
"""Connections at a time, each a thread: a browser opens six."""
IDLE_SECONDS, LONGEST_SECONDS = 10, 60
"""A connection is closed when nothing comes for so long, and after so long whatever comes."""
_POLICY = (
    "default-src 'none'; script-src 'self' 'unsafe-inline'; style-src 'unsafe-inline'; connect-src 'self'; base-uri 'none'; "
    "frame-ancestors 'none'"
)
_TYPES = {".html": "text/html; charset=utf-8", ".js": "text/javascript; charset=utf-8"}


class ResultServer(ThreadingHTTPServer):
    """Serves the files that the test in `folder` has at the start, no others; results go to `results`."""

    daemon_threads = True
    request_queue_size = MAX_CONNECTIONS

    def __init__(
        self, folder: Path, results: Path, port: int, check: Callable[[], None] = lambda: None, *, lan: bool = False
    ) -> None:
        """`check` is called twice a second and may raise to end serving. With `lan` other machines of the network can come,
        too, by an address with a token that is new each time: requests without it get nothing.
        """
        self.test = _test_in(folder)
        self.token = secrets.token_urlsafe(TOKEN_BYTES) if lan else ""
        self._check = check
        self._open: dict[socket.socket, float] = {}
        self._slots = threading.BoundedSemaphore(MAX_CONNECTIONS)
        make_folder(results)
        # A table of names decides what is handed out: no path of a request ever reaches the file system.
        self.files = {"/": folder / "index.html", "/index.html": folder / "index.html"}
        self.files |= {f"/audio/{file.name}": file for file in (folder / "audio").glob("*.js")}
        self.results = results
        try:
            super().__init__(("" if lan else HOST, port), _Handler)
        except OSError as error:
            raise InputError(f"cannot listen on port {port}: {error.strerror}", hint="choose another --port") from error

    @property
    def url(self) -> str:
        """Where the test is."""
        return f"http://{_address() if self.token else HOST}:{self.server_port}/{f'{self.token}/' if self.token else ''}"

    def inner(self, path: str) -> str:
        """What a path asks for once the token is taken off, "" without the right one."""
        if not self.token:
            return path
        given, slash, rest = path.removeprefix("/").partition("/")
        return f"/{rest}" if slash and secrets.compare_digest(given.encode(), self.token.encode()) else ""

    def local(self, host: str) -> bool:
        """Whether a request was meant for this server: a foreign page that resolves its name to 127.0.0.1 was not. In a network
        the token says so: machines have many names there.
        """
        return bool(self.token) or host in {f"{name}:{self.server_port}" for name in (HOST, "localhost")}

    def process_request(self, request: socket.socket, client_address: tuple[str, int]) -> None:  # type: ignore[override]
        """A thread for the request, or a refusal while all are busy."""
        if not self._slots.acquire(blocking=False):
            with contextlib.suppress(OSError):  # it has left
                request.sendall(b"HTTP/1.0 503 Service Unavailable\r\nRetry-After: 5\r\nContent-Length: 0\r\n\r\n")
            self.shutdown_request(request)
            return
        self._open[request] = time.monotonic()
        try:
            super().process_request(request, client_address)
        except BaseException:  # no thread could be started
            self._ended(request)
            raise

    def process_request_thread(self, request: socket.socket, client_address: tuple[str, int]) -> None:  # type: ignore[override]
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._ended(request)

    def _ended(self, request: socket.socket) -> None:
        if self._open.pop(request, None) is not None:  # Ctrl-C while its thread starts ends it twice
            self._slots.release()

    def service_actions(self) -> None:
        """Called twice a second: ends connections that go on for too long, as a byte now and then does."""
        self._check()
        for request, since in list(self._open.items()):
            if time.monotonic() - since > LONGEST_SECONDS:
                with contextlib.suppress(OSError):  # it has just ended
                    request.shutdown(socket.SHUT_RDWR)

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that leaves, is too slow or is cut off by Ctrl-C is nobody's business; anything else is a fault of ours."""
        if request in self._open and not isinstance(sys.exception(), OSError):
            super().handle_error(request, client_address)


def _test_in(folder: Path) -> tuple[str, str]:
    """The id and the kind of the test in a folder.

    Raises:
        InputError: it holds none.
    """
    try:
        manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
        found = str(manifest["test"]), str(manifest["test_kind"])
        if manifest["kind"] == "listen-test" and (folder / "index.html").is_file():
            return found
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        pass
    raise InputError(f"{folder} holds no listening test", hint="codesign listen make writes one")


def _address() -> str:
    """The address of the machine in its network: that of the way out, for which nothing is sent."""
    with contextlib.suppress(OSError), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as way:
        way.connect(("192.0.2.1", 9))  # an address of no machine (RFC 5737)
        return str(way.getsockname()[0])
    return socket.gethostname()


class _Handler(BaseHTTPRequestHandler):
    server: ResultServer
    server_version = "codesign"
    sys_version = ""
    timeout = IDLE_SECONDS

    def do_GET(self) -> None:
        file = self.server.files.get(self.server.inner(self.path.split("?", 1)[0]))
        if not self.server.local(self.headers.get("Host", "")):
            return self._say(HTTPStatus.FORBIDDEN, "this server answers to localhost only")
        if file is None:
            return self._say(HTTPStatus.NOT_FOUND, "no such file")
        try:
            self._send(HTTPStatus.OK, file.read_bytes(), _TYPES[file.suffix])
        except OSError:
            self._say(HTTPStatus.NOT_FOUND, "the file is gone")
        return None

    def do_POST(self) -> None:
        origin = self.headers.get("Origin", "")
        length = self.headers.get("Content-Length", "")
        host, page = self.headers.get("Host", ""), origin.partition("//")[2]
        if not self.server.local(host) or (origin and (not self.server.local(page) or (self.server.token and page != host))):
            return self._say(HTTPStatus.FORBIDDEN, "results are taken from this test's page only")
        if self.server.inner(self.path) != "/results":
            return self._say(HTTPStatus.NOT_FOUND, "results go to /results")
        if self.headers.get("Content-Type", "").split(";")[0].strip() != "application/json":
            return self._say(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "results are application/json")
        if not re.fullmatch(r"\d{1,9}", length) or int(length) > MAX_BYTES:
            return self._say(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"at most {MAX_BYTES} bytes")
        data = self.rfile.read(int(length))
        if len(data) < int(length):
            return self._say(HTTPStatus.BAD_REQUEST, "the result is cut off")
        return self._keep(data)

    def _keep(self, data: bytes) -> None:
        try:
            result = parse_result(data)
        except InputError as error:
            return self._say(HTTPStatus.BAD_REQUEST, error.message)
        if (result.test, result.test_kind) != self.server.test:
            return self._say(HTTPStatus.BAD_REQUEST, f"of another test, {result.test}")
        if sum(1 for _ in self.server.results.glob("*.json")) >= MAX_RESULTS:
            return self._say(HTTPStatus.INSUFFICIENT_STORAGE, "too many results")
        # The listener's code has been checked: letters, digits, dots and dashes; it never starts the name. The digest makes the
        # same result, sent again, the same file, and another one never replaces it.
        digest = hashlib.sha256(data).hexdigest()[:12]
        path = self.server.results / f"{result.test}-{result.listener}-{digest}.json"
        try:
            with replace_file(path) as temporary:
                temporary.write_bytes(data)
        except InputError:
            return self._say(HTTPStatus.INSUFFICIENT_STORAGE, "the result could not be written")
        return self._say(HTTPStatus.CREATED, "thank you")

    def _say(self, status: HTTPStatus, text: str) -> None:
        self.close_connection = True  # what is left of the request is not read
        self._send(status, text.encode("utf-8"), "text/plain; charset=utf-8")

    def _send(self, status: HTTPStatus, body: bytes, media: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", media)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("X-Content-Type-Options", "nosniff")
        self.send_header("Cache-Control", "no-store")
        self.send_header("Content-Security-Policy", _POLICY)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Nothing: requests are nobody's business."""

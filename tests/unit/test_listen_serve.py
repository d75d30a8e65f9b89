# SPDX-License-Identifier: Apache-2.0
"""The result server: nothing but the test's files goes out, nothing but results comes in."""

import http.client
import json
import socket
import struct
import threading
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from codesign.base.errors import InputError
from codesign.hearing.listen import serve
from codesign.hearing.listen.results import MAX_BYTES
from codesign.hearing.listen.serve import MAX_CONNECTIONS, ResultServer

RESULT = {
    "schema_version": 1,
    "kind": "listen-result",
    "test": "0123456789ab",
    "test_kind": "preference",
    "listener": "anna",
    "started": "",
    "finished": "",
    "answers": [],
}


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    folder = tmp_path_factory.mktemp("served")
    (folder / "test" / "audio").mkdir(parents=True)
    (folder / "test" / "index.html").write_text("the page")
    manifest = {"schema_version": 1, "kind": "listen-test", "test": RESULT["test"], "test_kind": "preference"}
    (folder / "test" / "manifest.json").write_text(json.dumps(manifest))
    (folder / "test" / "audio" / "s1.js").write_text("sound")
    (folder / "test.key.json").write_text("secret")
    with ResultServer(folder / "test", folder / "results", 0) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield folder, server
        server.shutdown()
        thread.join()


def ask(server, method, path, body=None, **headers):
    connection = http.client.HTTPConnection("127.0.0.1", server.server_port, timeout=10)
    connection.putrequest(method, path, skip_host="Host" in headers)
    for name, value in headers.items():
        connection.putheader(name.replace("_", "-"), value)
    connection.endheaders(body)
    reply = connection.getresponse()
    text = reply.read().decode()
    connection.close()
    return reply.status, text


def post(server, document, **headers):
    body = document if isinstance(document, bytes) else json.dumps(document).encode()
    given = {"Content_Type": "application/json", "Content_Length": str(len(body)), **headers}
    return ask(server, "POST", "/results", body, **given)


def test_the_test_is_served(served):
    _, server = served
    assert ask(server, "GET", "/") == (200, "the page")
    assert ask(server, "GET", "/index.html?x=1") == (200, "the page")
    assert ask(server, "GET", "/audio/s1.js") == (200, "sound")
    assert server.url.startswith("http://127.0.0.1:")


@pytest.mark.parametrize(
    "path",
    ["/../test.key.json", "/audio/../../test.key.json", "/%2e%2e/test.key.json", "//etc/passwd", "/audio/", "/results",
     "/audio/s1.js/..", "/audio\\s1.js", "/test.key.json", "/audio/s1.js%00"],
)  # fmt: skip
def test_nothing_else_is(served, path):
    assert ask(served[1], "GET", path)[0] == 404


@settings(max_examples=60, deadline=None)
@given(path=st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=40))
def test_no_path_reaches_a_file(served, path):
    status, text = ask(served[1], "GET", f"/{path}")
    assert status in (200, 404)
    assert "secret" not in text


def test_a_result_is_kept_once(served):
    folder, server = served
    assert post(server, RESULT)[0] == 201
    assert post(server, RESULT)[0] == 201
    files = list((folder / "results").iterdir())
    assert len(files) == 1
    assert json.loads(files[0].read_text()) == RESULT
    assert post(server, {**RESULT, "finished": "now"})[0] == 201
    assert len(list((folder / "results").iterdir())) == 2


@pytest.mark.parametrize(
    ("document", "status"),
    [
        ({**RESULT, "listener": "../../x"}, 400),
        ({**RESULT, "listener": ""}, 400),
        ({**RESULT, "listener": "a/b"}, 400),
        ({**RESULT, "test": "../../../../etc"}, 400),
        ({**RESULT, "extra": 1}, 400),
        (b"{", 400),
        (b"\xff", 400),
        (b"", 400),
        (b" " * (MAX_BYTES + 1), 413),
    ],
)
def test_what_is_no_result_is_not_kept(served, document, status):
    folder, server = served
    before = sorted(folder.rglob("*"))
    assert post(server, document)[0] == status
    assert sorted(folder.rglob("*")) == before


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Content_Type": "text/plain"}, 415),
        ({"Content_Length": "-1"}, 413),
        ({"Content_Length": "x"}, 413),
        ({"Content_Length": "9" * 30}, 413),
        ({"Origin": "http://evil.example"}, 403),
        ({"Host": "evil.example"}, 403),
        ({"Host": "127.0.0.1.evil.example:80"}, 403),
    ],
)
def test_requests_from_elsewhere(served, headers, status):
    assert post(served[1], RESULT, **headers)[0] == status


def test_foreign_hosts_get_nothing(served):
    assert ask(served[1], "GET", "/", Host="evil.example")[0] == 403


def test_a_server_that_cannot_start(served, tmp_path):
    folder, server = served
    with pytest.raises(InputError, match="no listening test"):
        ResultServer(tmp_path, tmp_path / "results", 0)
    with pytest.raises(InputError, match="port"):
        ResultServer(folder / "test", folder / "results", server.server_port)
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="cannot make"):
        ResultServer(folder / "test", tmp_path / "file" / "results", 0)


def test_results_of_another_test_are_refused(served):
    folder, server = served
    before = sorted(folder.rglob("*"))
    for other in ({"test": "ba9876543210"}, {"test_kind": "mushra"}):
        status, text = post(server, {**RESULT, **other})
        assert (status, text.startswith("of another test")) == (400, True)
    assert sorted(folder.rglob("*")) == before


@pytest.mark.parametrize("manifest", [None, "", "[]", "{}", '{"kind": "listen-test"}', "[" * 100_000])
def test_a_folder_without_the_test_s_manifest_is_no_test(tmp_path, manifest):
    (tmp_path / "index.html").write_text("a page")
    if manifest is not None:
        (tmp_path / "manifest.json").write_text(manifest)
    with pytest.raises(InputError, match="holds no listening test"):
        ResultServer(tmp_path, tmp_path / "results", 0)


def waits_until(true, seconds=10):
    end = time.monotonic() + seconds
    while not true() and time.monotonic() < end:
        time.sleep(0.01)
    return true()


def test_threads_are_bounded(served):
    """However many connect and say nothing; the others are refused at once, and served when those have left."""
    _, server = served
    before = threading.active_count()
    idle = [socket.create_connection(("127.0.0.1", server.server_port), timeout=10) for _ in range(MAX_CONNECTIONS)]
    assert waits_until(lambda: threading.active_count() == before + MAX_CONNECTIONS)
    more = [socket.create_connection(("127.0.0.1", server.server_port), timeout=10) for _ in range(20)]
    assert all(connection.recv(100).startswith(b"HTTP/1.0 503") for connection in more)
    assert threading.active_count() == before + MAX_CONNECTIONS
    for connection in (*idle, *more):
        connection.close()
    assert waits_until(lambda: threading.active_count() == before)
    assert ask(server, "GET", "/") == (200, "the page")


def test_a_client_cannot_stay_for_ever(served, monkeypatch):
    _, server = served
    monkeypatch.setattr(serve, "LONGEST_SECONDS", 0)
    connection = socket.create_connection(("127.0.0.1", server.server_port), timeout=10)
    connection.sendall(b"GET / HTTP/1.0\r\n")  # and never the rest
    assert connection.recv(100) == b""
    connection.close()


def test_clients_that_leave_print_nothing(served, capfd):
    folder, server = served
    (folder / "test" / "audio" / "s1.js").write_text("x" * 10_000_000)  # more than the sockets hold
    before = threading.active_count()
    for request in (
        b"",
        b"GET /audio/s1.js HTTP/1.0\r\n",
        f"GET /audio/s1.js HTTP/1.0\r\nHost: 127.0.0.1:{server.server_port}\r\n\r\n".encode(),
        f"POST /results HTTP/1.0\r\nHost: 127.0.0.1:{server.server_port}\r\nContent-Type: application/json\r\n"
        "Content-Length: 1000\r\n\r\n{".encode(),
    ):
        connection = socket.create_connection(("127.0.0.1", server.server_port), timeout=10)
        # Closing sends a reset, so that writing to it fails.
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        connection.sendall(request)
        connection.close()
    ask(server, "GET", "/")
    assert waits_until(lambda: threading.active_count() == before)
    (folder / "test" / "audio" / "s1.js").write_text("sound")
    assert capfd.readouterr() == ("", "")


def test_faults_of_the_server_are_not_hidden(served, capfd, monkeypatch):
    _, server = served
    monkeypatch.setattr(server, "files", None)
    with pytest.raises(http.client.HTTPException):
        ask(server, "GET", "/")
    assert "AttributeError" in capfd.readouterr().err


@pytest.fixture
def in_network(served):
    folder, _ = served
    with ResultServer(folder / "test", folder / "network", 0, lan=True) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield folder, server
        server.shutdown()
        thread.join()


def test_in_a_network_the_token_opens_and_nothing_else_does(in_network):
    folder, server = in_network
    assert len(server.token) >= 20
    assert f":{server.server_port}/{server.token}/" in server.url
    assert ask(server, "GET", f"/{server.token}/") == (200, "the page")
    assert ask(server, "GET", f"/{server.token}/audio/s1.js", Host="192.168.1.7:8765") == (200, "sound")
    for path in (
        "/",
        "/index.html",
        "/audio/s1.js",
        f"/{server.token}",
        f"/{server.token[:-1]}/",
        f"/{server.token}x/",
        "//",
        "/%C3%A4/",
    ):
        assert ask(server, "GET", path)[0] == 404, path
    body = json.dumps(RESULT).encode()
    headers = {"Content_Type": "application/json", "Content_Length": str(len(body))}
    assert ask(server, "POST", "/results", body, **headers)[0] == 404
    assert ask(server, "POST", f"/{server.token}/results", body, Origin="http://elsewhere", **headers)[0] == 403
    assert not list((folder / "network").iterdir())
    assert ask(server, "POST", f"/{server.token}/results", body, **headers)[0] == 201
    assert len(list((folder / "network").iterdir())) == 1


def test_every_network_server_has_a_token_of_its_own(served):
    folder, local = served
    assert local.token == ""
    tokens = set()
    for _ in range(3):
        with ResultServer(folder / "test", folder / "network", 0, lan=True) as server:
            tokens.add(server.token)
    assert len(tokens) == 3

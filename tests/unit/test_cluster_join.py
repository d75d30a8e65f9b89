# SPDX-License-Identifier: Apache-2.0
"""Joining a Ray cluster: an address where nothing answers is refused before Ray tries it for minutes."""

from __future__ import annotations

import socket
from types import SimpleNamespace

import pytest

from codesign.base import cluster
from codesign.base.errors import ToolError


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The addresses that Ray itself was asked to join."""
    addresses: list[str] = []
    ray = SimpleNamespace(is_initialized=lambda: False, init=lambda address, **_: addresses.append(address))
    monkeypatch.setattr(cluster, "load_ray", lambda: ray)
    return addresses


def closed_port() -> int:
    """A port of this machine where nothing listens."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        return int(held.getsockname()[1])


@pytest.mark.parametrize("scheme", ["", "ray://"])
def test_a_closed_port_is_refused_without_ray(asked: list[str], scheme: str) -> None:
    address = f"{scheme}127.0.0.1:{closed_port()}"
    with pytest.raises(ToolError, match=f"no Ray cluster at '{address}'"):
        cluster.join(address)
    assert asked == []


def test_a_port_that_none_can_be_is_refused(asked: list[str]) -> None:
    with pytest.raises(ToolError, match=r"no Ray cluster at '127\.0\.0\.1:99999'"):
        cluster.join("127.0.0.1:99999")
    assert asked == []


@pytest.mark.parametrize("address", ["auto", "local"])
def test_a_word_goes_to_ray(asked: list[str], address: str) -> None:
    cluster.join(address)
    assert asked == [address]


def test_a_port_that_answers_goes_to_ray(asked: list[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = f"127.0.0.1:{server.getsockname()[1]}"
        cluster.join(address)
    assert asked == [address]

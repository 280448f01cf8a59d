"""Nobody configures a way into our own network."""

import asyncio
import socket
from typing import Any

import httpcore
import pytest

from adapters.relay.guard import Forbidden, Guard, GuardedBackend

INNER = [
    "https://127.0.0.1/x",
    "https://10.0.0.1/",
    "https://192.168.1.1",
    "https://172.16.0.9",
    "https://169.254.169.254/latest/meta-data",
    "https://[::1]/",
    "https://[::ffff:127.0.0.1]/",
    "https://[fe80::1]/",
    "https://[fd00::1]/",
    "https://[64:ff9b::7f00:1]/",
    "https://0.0.0.0/",
    "https://127.1/",
    "https://2130706433/",
    "https://0x7f000001/",
    "https://localhost/",
    "https://db.internal/",
    "http://example.com/",
    "https://example.com:22/",
    "https://user:pass@example.com/",
    "ftp://example.com/",
    "https:///x",
    "",
]


@pytest.mark.parametrize("url", INNER)
def test_an_inner_or_odd_address_is_refused_when_it_is_configured(url: str) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        Guard().check_url(url)


@pytest.mark.parametrize("url", ["https://sgtm.shop.example", "https://8.8.8.8/", "https://graph.facebook.com:443/v1"])
def test_a_public_address_is_accepted(url: str) -> None:
    Guard().check_url(url)


async def test_a_name_that_leads_inside_is_refused_when_it_is_connected_to() -> None:
    with pytest.raises(Forbidden, match="not a public address"):
        await Guard().pinned("localhost", 443)


async def test_what_an_operator_has_allowed_is_connected_to() -> None:
    assert await Guard.allowing(["localhost"]).pinned("localhost", 80) in {"127.0.0.1", "::1"}
    by_range = Guard.allowing(["127.0.0.0/8", "::1"])
    by_range.check_url("http://127.0.0.1:8080/mp/collect")
    assert await by_range.pinned("127.0.0.1", 8080) == "127.0.0.1"


class Resolver:
    """Tells one address the first time it is asked for a name, and others from then on."""

    def __init__(self, *answers: list[str]) -> None:
        self.answers = list(answers)
        self.asked = 0

    async def getaddrinfo(self, host: str, port: int, **_: Any) -> list[Any]:
        self.asked += 1
        found = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, host, (each, port)) for each in found]


class Dialled(httpcore.AsyncNetworkBackend):
    """Notes whom it would have connected to."""

    def __init__(self) -> None:
        self.hosts: list[str] = []

    async def connect_tcp(self, host: str, *_: Any, **__: Any) -> httpcore.AsyncNetworkStream:
        self.hosts.append(host)
        raise httpcore.ConnectError("only noted")


async def dialled(monkeypatch: pytest.MonkeyPatch, resolver: Resolver, times: int = 1) -> list[str]:
    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", resolver.getaddrinfo)
    inner = Dialled()
    backend = GuardedBackend(Guard(), inner)
    for _ in range(times):
        with pytest.raises(httpcore.ConnectError):
            await backend.connect_tcp("sgtm.shop.example", 443)
    return inner.hosts


async def test_a_name_that_answers_otherwise_the_second_time_gains_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """The connection goes to the address that was checked; the name is not looked up again."""
    resolver = Resolver(["8.8.8.8"], ["169.254.169.254"])
    assert await dialled(monkeypatch, resolver) == ["8.8.8.8"]
    assert resolver.asked == 1
    assert await dialled(monkeypatch, resolver, times=3) == []


@pytest.mark.parametrize("inner", ["127.0.0.1", "10.1.2.3", "169.254.169.254", "100.64.0.1", "224.0.0.1"])
async def test_a_name_with_one_inner_address_among_its_public_ones_is_refused(
    monkeypatch: pytest.MonkeyPatch, inner: str
) -> None:
    assert await dialled(monkeypatch, Resolver(["8.8.8.8", inner])) == []


async def test_no_destination_is_a_local_socket() -> None:
    with pytest.raises(Forbidden):
        await GuardedBackend(Guard(), Dialled()).connect_unix_socket("/var/run/docker.sock")

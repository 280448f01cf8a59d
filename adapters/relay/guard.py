"""The guard against requests to our own network (SSRF): addresses are checked when connecting, and pinned.

Tenants configure addresses. A name is resolved once, every address it has must be public, and the connection goes to
the very address that was checked: a name that answers differently the second time gains nothing. See OWASP's Server
Side Request Forgery Prevention Cheat Sheet, https://cheatsheetseries.owasp.org.
"""

import asyncio
import socket
from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Any
from urllib.parse import urlsplit

import httpcore

Address = IPv4Address | IPv6Address

#: Ports that a tagging server or a platform's API listens on; anything else is somebody's inner service.
PORTS = frozenset({443, 8443})

_TRANSLATED = (ip_network("64:ff9b::/96"), ip_network("2002::/16"))  # IPv4 inside IPv6: NAT64 and 6to4


class Forbidden(httpcore.ConnectError):
    """The address must not be contacted; the reason is meant for the operator who configured it."""


@dataclass(frozen=True)
class Guard:
    """Decides whom we may connect to: public addresses by HTTPS, and what an operator has allowed by name or range."""

    allowed_hosts: frozenset[str] = frozenset()
    allowed_networks: tuple[IPv4Network | IPv6Network, ...] = ()

    @classmethod
    def allowing(cls, words: Iterable[str]) -> "Guard":
        """Read an allow-list of host names, addresses and CIDR ranges."""
        hosts, networks = set(), []
        for word in words:
            try:
                networks.append(ip_network(word, strict=False))
            except ValueError:
                hosts.add(word.lower().rstrip("."))
        return cls(frozenset(hosts), tuple(networks))

    def check_url(self, url: str) -> None:
        """Raise ValueError for an address that can be refused without looking anything up."""
        parts = urlsplit(url)
        host = (parts.hostname or "").rstrip(".")
        if not host:
            raise ValueError("has no host")
        if parts.username is not None or parts.password is not None:
            raise ValueError("must not contain a user or a password")
        if self._is_allowed_name(host):
            return
        literal = _literal(host)
        if literal is not None and self._is_listed(literal):
            return
        if parts.scheme != "https":
            raise ValueError("must begin with https://")
        if (parts.port or 443) not in PORTS:
            raise ValueError(f"must use port {' or '.join(map(str, sorted(PORTS)))}")
        if literal is not None and not _is_public(literal):
            raise ValueError("is not a public address")
        if host == "localhost" or host.endswith((".localhost", ".local", ".internal")):
            raise ValueError("is a name of an inner network")

    async def pinned(self, host: str, port: int) -> str:
        """Return the address to connect to; raises Forbidden where any address of the name is not public."""
        try:
            found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except OSError as error:
            raise httpcore.ConnectError(f"{host} cannot be resolved: {error}") from error
        addresses = [ip_address(str(each[4][0]).partition("%")[0]) for each in found]
        if not self._is_allowed_name(host):
            for address in addresses:
                if not (_is_public(address) or self._is_listed(address)):
                    raise Forbidden(f"{host} is at {address}, which is not a public address")
        return str(addresses[0])

    def _is_allowed_name(self, host: str) -> bool:
        return host.lower().rstrip(".") in self.allowed_hosts

    def _is_listed(self, address: Address) -> bool:
        return any(address in network for network in self.allowed_networks if network.version == address.version)


class GuardedBackend(httpcore.AsyncNetworkBackend):
    """Connects to checked addresses only; TLS still asks for the name."""

    def __init__(self, guard: Guard, inner: httpcore.AsyncNetworkBackend) -> None:
        self._guard = guard
        self._inner = inner

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 -- the signature is httpcore's
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """Resolve, check, and connect to what was checked."""
        async with asyncio.timeout(timeout):
            address = await self._guard.pinned(host, port)
        return await self._inner.connect_tcp(address, port, timeout, local_address, socket_options)

    async def connect_unix_socket(
        self,
        path: str,
        timeout: float | None = None,  # noqa: ASYNC109, ARG002 -- the signature is httpcore's
        socket_options: Iterable[Any] | None = None,  # noqa: ARG002 -- the same
    ) -> httpcore.AsyncNetworkStream:
        """Refuse: no destination is a local socket."""
        raise Forbidden(f"{path} is a local socket")

    async def sleep(self, seconds: float) -> None:
        """Sleep."""
        await self._inner.sleep(seconds)


def _is_public(address: Address) -> bool:
    if isinstance(address, IPv6Address):
        if address.ipv4_mapped is not None:
            return _is_public(address.ipv4_mapped)
        if any(address in network for network in _TRANSLATED):
            return False
    return address.is_global and not address.is_multicast


def _literal(host: str) -> Address | None:
    try:
        return ip_address(host)
    except ValueError:
        pass
    try:  # 127.1, 0x7f000001 and 2130706433 are addresses to the resolver too
        return ip_address(socket.inet_ntoa(socket.inet_aton(host)))
    except OSError:
        return None

"""The whole mesh on one machine: private services where none are given, migrated, declared, every role running."""

import asyncio
import contextlib
import os
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any, Protocol

from aiormq.exceptions import AMQPError

from adapters.vault import new_key
from brokers import declare
from brokers.link import Link
from brokers.plan import Topology
from brokers.topology import DOMAINS, QUEUES
from mesh.addresses import Addresses, admin_address, gateway_address, reachable, revealed
from mesh.compose import database_url
from mesh.data_dir import DataDir
from mesh.embedded.process import ServiceFailed, port_answers, tail
from mesh.embedded.rabbitmq import PrivateRabbitMQ
from mesh.embedded.redis import PrivateRedis
from mesh.local_tiktok import APP, LocalTikTok, is_wanted
from mesh.role import Role
from mesh.supervision import keep_up
from persistence import migrate
from settings import Settings

#: Started in this order and stopped in the reverse: nothing new comes in while the rest drains.
ROLES = ("worker", "publishers", "admin", "gateway")

#: Who may post marketing events where nobody is named: an order management system.
PRODUCER = "oms"
#: Who may administer a mesh that was given no operators.
OPERATOR = "admin"

_HTTP_START = timedelta(seconds=45)

#: A role's own deadline for draining ends first; this is for closing connections after it.
_AFTER_DRAIN = timedelta(seconds=5)

#: Told of each step of the start: its name, and None when it begins or the seconds it took when it is done.
Report = Callable[[str, float | None], None]


class _CanHurry(Protocol):
    def hurry(self) -> None: ...


class RunningMesh:
    """What `running_mesh` hands out: addresses and processes, and how to wait for trouble."""

    def __init__(self, data_dir: Path, report: Report) -> None:
        self.folder = DataDir(data_dir)
        self.addresses: Addresses
        self.broker: PrivateRabbitMQ | None = None
        self.redis: PrivateRedis | None = None
        self.tiktok: LocalTikTok | None = None
        self.roles: dict[str, Role] = {}
        #: The ports that the gateway and the admin API would have had, where they were taken.
        self.moved_from: dict[str, int] = {}
        self._report = report
        self._watches: list[asyncio.Task[None]] = []
        self._can_hurry: list[_CanHurry] = []

    async def failed(self) -> None:
        """Wait while all is well; raises once something had to be given up."""
        done, _ = await asyncio.wait(self._watches, return_when=asyncio.FIRST_COMPLETED)
        for watch in done:
            watch.result()

    def hurry(self) -> None:
        """Cut a shutdown short: kill what still runs. What was not acknowledged is delivered again next time."""
        for process in self._can_hurry:
            process.hurry()

    def watch(self, process: _CanHurry, keeping_up: Coroutine[Any, Any, None], stack: AsyncExitStack) -> None:
        """Supervise a process until the stack unwinds to here."""
        task = asyncio.create_task(keeping_up)
        self._watches.append(task)
        self._can_hurry.append(process)
        stack.push_async_callback(_cancelled, task)

    @contextlib.contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Report a step of the start."""
        began = time.monotonic()
        self._report(name, None)
        yield
        self._report(name, time.monotonic() - began)


@asynccontextmanager
async def running_mesh(
    data_dir: Path,
    settings: Settings | None = None,
    *,
    roles: Sequence[str] = ROLES,
    environment: Mapping[str, str] | None = None,
    report: Report = lambda _name, _seconds: None,
) -> AsyncIterator[RunningMesh]:
    """Run the mesh in a folder for as long as the block lasts, and end it in order.

    A service whose address is set is used instead of a private one. `environment` is given to the roles on top of
    these addresses. Raises AlreadyRunning where another mesh holds the folder, ServiceFailed where something does not
    start.
    """
    mesh = RunningMesh(data_dir, report)
    settings = (settings or Settings()).model_copy(update={"data_dir": mesh.folder.path})
    async with AsyncExitStack() as stack:
        stack.enter_context(mesh.folder.held())
        await _start_services(mesh, settings, stack)
        http = _http_addresses(mesh, settings)
        mesh.addresses = _addresses(
            mesh, settings, {role: f"http://{reachable(host)}:{port}" for role, (host, port) in http.items()}
        )
        with mesh.step("topology"):
            await _declare(mesh.addresses.broker_url)
        if mesh.tiktok:
            await mesh.tiktok.introduce(mesh.addresses)
        given = {**_role_environment(mesh, http), **(environment or {})}
        await _start_roles(mesh, settings, roles, given, stack)
        with mesh.step("ready"):
            for role in http.keys() & set(roles):
                await _wait_until_ready(mesh, role, *http[role])
        mesh.folder.publish(mesh.addresses.environment())
        stack.callback(mesh.folder.withdraw)
        yield mesh


async def _start_services(mesh: RunningMesh, settings: Settings, stack: AsyncExitStack) -> None:
    """Start the broker, Redis, a TikTok and the migrations side by side, because the broker takes long."""
    if settings.broker_url is None:
        mesh.broker = PrivateRabbitMQ(mesh.folder.path / "rabbitmq")
    if settings.redis_url is None:
        mesh.redis = PrivateRedis(mesh.folder.path / "redis")
    if is_wanted(settings):
        mesh.tiktok = LocalTikTok(mesh.folder.path / "tiktok", mesh.folder.path / "logs")
    services = [service for service in (mesh.broker, mesh.redis, mesh.tiktok) if service]
    for service in services:
        stack.push_async_callback(service.stop)
    try:
        async with asyncio.TaskGroup() as starting:
            starting.create_task(_stepped(mesh, "database", migrate.upgrade(database_url(settings))))
            for service in services:
                starting.create_task(_stepped(mesh, service.name, service.start()))
    except ExceptionGroup as several:
        raise several.exceptions[0] from None
    for service in services:
        mesh.watch(service, keep_up(service.name, service.ended, service.start, service.last_words), stack)


async def _start_roles(
    mesh: RunningMesh, settings: Settings, roles: Sequence[str], environment: Mapping[str, str], stack: AsyncExitStack
) -> None:
    patience = timedelta(seconds=settings.drain_seconds) + _AFTER_DRAIN
    for name in roles:
        with mesh.step(name):
            role = Role(name, [name], mesh.folder.path / "logs", environment)
            await role.start()
        mesh.roles[name] = role
        stack.push_async_callback(role.stop, patience)
        mesh.watch(role, keep_up(name, role.ended, role.start, role.last_words), stack)


def _http_addresses(mesh: RunningMesh, settings: Settings) -> dict[str, tuple[str, int]]:
    """Return where the roles that serve HTTP will listen, and note which of them had to move."""
    gateway = gateway_address(settings)
    found = {"gateway": gateway, "admin": admin_address(settings, besides=gateway[1])}
    wanted = {"gateway": settings.gateway_port, "admin": settings.admin_port}
    mesh.moved_from = {role: wanted[role] for role, (_, port) in found.items() if wanted[role] not in (0, port)}
    return found


def _addresses(mesh: RunningMesh, settings: Settings, urls: Mapping[str, str]) -> Addresses:
    broker, redis = mesh.broker, mesh.redis
    tokens, producers, keys, operators, secrets = (
        tuple(each.get_secret_value() for each in chosen)
        for chosen in (
            settings.service_tokens,
            settings.events_users,
            settings.encryption_keys,
            settings.admin_users,
            settings.tiktok_client_secrets,
        )
    )
    return Addresses(
        gateway_url=settings.gateway_url or urls["gateway"],
        data_dir=mesh.folder.path,
        broker_url=broker.url if broker else revealed(settings.broker_url) or "",
        broker_management_url=broker.management_login if broker else revealed(settings.broker_management_url),
        database_url=database_url(settings),
        redis_url=redis.url if redis else revealed(settings.redis_url) or "",
        service_tokens=tokens or (mesh.folder.secret("service_token"),),
        events_users=producers or (f"{PRODUCER}:{mesh.folder.secret('events_password')}",),
        encryption_keys=keys or (mesh.folder.secret("encryption_key", new_key),),
        tiktok_client_secrets=secrets or (mesh.folder.secret("tiktok_client_secret"),),
        tiktok_client_key=APP if mesh.tiktok else "",
        tiktok_base_url=mesh.tiktok.base_url if mesh.tiktok else "",
        admin_url=settings.admin_url or urls["admin"],
        admin_users=operators or (f"{OPERATOR}:{mesh.folder.secret('admin_password')}:admin+secrets",),
    )


def _role_environment(mesh: RunningMesh, http: Mapping[str, tuple[str, int]]) -> dict[str, str]:
    """Return the whole environment of a role: ours, what we started, and where this code is."""
    root = str(Path(__file__).resolve().parent.parent)
    path = os.pathsep.join(part for part in (root, os.environ.get("PYTHONPATH", "")) if part)
    listening: dict[str, str] = {}
    for role, (host, port) in http.items():
        listening |= {f"MESH_{role.upper()}_HOST": host, f"MESH_{role.upper()}_PORT": str(port)}
    return {
        **os.environ,
        **mesh.addresses.environment(),
        **listening,
        "PYTHONPATH": path,
        "PYTHONUNBUFFERED": "1",
    }


async def _declare(broker_url: str) -> None:
    declared = declare.whole(DOMAINS, QUEUES)
    link = Link(broker_url, "mesh up")
    try:
        await declared.apply(await link.channel())
    except AMQPError:  # something is declared differently; comparing is slower, and replaces only what is empty
        await Topology(link, declared).apply()
    finally:
        await link.close()


async def _wait_until_ready(mesh: RunningMesh, role: str, host: str, port: int) -> None:
    host = reachable(host)
    request = f"GET /health/ready HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode()
    trouble = asyncio.create_task(mesh.failed())
    deadline = time.monotonic() + _HTTP_START.total_seconds()
    try:
        while not await port_answers(port, host=host, say=request, expect=b"HTTP/1.1 200"):
            if trouble.done():
                trouble.result()
            if time.monotonic() > deadline:
                log = mesh.roles[role].log
                raise ServiceFailed(f"{role} was not ready within {_HTTP_START}.\n{tail(log)}")
            await asyncio.sleep(0.05)
    finally:
        await _cancelled(trouble)


async def _stepped(mesh: RunningMesh, name: str, work: Coroutine[Any, Any, None]) -> None:
    with mesh.step(name):
        await work


async def _cancelled(task: asyncio.Task[None]) -> None:
    task.cancel()
    # What it raised was told by `failed`, or is not worth more than the reason for stopping.
    await asyncio.wait([task])

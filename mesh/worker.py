"""`mesh worker`: consumers of some or all queues, in one process or several."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import structlog

from brokers.router import Route
from handlers import ROUTES
from mesh.compose import Composition
from mesh.lifetime import begin, live
from mesh.probes import probes
from settings import Settings

log = structlog.get_logger()

RESTART_AFTER = timedelta(seconds=1)  # a process that dies at start should not burn a core
LOOK_EVERY = timedelta(milliseconds=200)


class UnknownQueue(ValueError):
    """A queue was named that no handler consumes."""


def run(queues: Sequence[str] = (), processes: int = 1, concurrency: int | None = None) -> None:
    """Consume until told to stop; `queues` empty means all of them.

    With more than one process, this one only minds the others. Raises UnknownQueue before anything starts.
    """
    routes = chosen(queues, concurrency)
    settings = begin("worker")
    if processes > 1:
        _mind(processes, [*queues, *(["--concurrency", str(concurrency)] if concurrency else [])])
    else:
        live(lambda stop: consume(settings, routes, stop))


def chosen(queues: Sequence[str], concurrency: int | None) -> list[Route]:
    """Return the routes of the named queues, or all; `concurrency` overrides that of ordinary queues."""
    known = {route.queue.name: route for route in ROUTES}
    if unknown := [name for name in queues if name not in known]:
        raise UnknownQueue(f"no handler consumes {', '.join(unknown)}; there are {', '.join(sorted(known))}")
    routes = [known[name] for name in queues] or list(ROUTES)
    if concurrency is None:
        return routes
    return [Route(replace(route.queue, concurrency=concurrency), route.handler) for route in routes]


async def consume(settings: Settings, routes: list[Route], stop: asyncio.Event) -> None:
    """Consume in this process until `stop` is set, then drain."""
    composition = Composition(settings, "worker")
    worker = composition.worker(routes)
    port = settings.worker_metrics_port and settings.worker_metrics_port + int(os.environ.get("MESH_PROCESS", "0"))
    loop = asyncio.get_running_loop()
    with probes(
        settings.metrics_host,
        port,
        live=lambda: worker.watchdog.is_healthy_at(loop.time()),
        ready=lambda: worker.is_ready,
    ):
        log.info("worker_started", queues=[route.queue.name for route in routes], pid=os.getpid())
        await worker.run(stop, timedelta(seconds=settings.drain_seconds))
    await composition.close()
    log.info("worker_stopped")


def _mind(processes: int, arguments: list[str]) -> None:
    """Keep `processes` children alive until told to stop, then pass the word on and wait for them."""
    stopping = False

    def stop(*_: object) -> None:
        nonlocal stopping
        stopping = True

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    children = [_spawn(number, arguments) for number in range(processes)]
    while not stopping:
        time.sleep(LOOK_EVERY.total_seconds())
        for number, child in enumerate(children):
            if child.poll() is not None and not stopping:
                log.error("worker_process_died", number=number, exit_code=child.returncode)
                time.sleep(RESTART_AFTER.total_seconds())
                children[number] = _spawn(number, arguments)
    for child in children:
        child.terminate()
    for child in children:
        child.wait()


def _spawn(number: int, arguments: list[str]) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "mesh", "worker", *arguments]
    return subprocess.Popen(command, env={**os.environ, "MESH_PROCESS": str(number)})  # noqa: S603 - our own command

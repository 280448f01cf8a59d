"""The HTTP side of processes that serve no HTTP: metrics for Prometheus, liveness and readiness for Kubernetes."""

import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, make_server

from prometheus_client import make_wsgi_app

Claim = Callable[[], bool]


class _Silent(WSGIRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class's name for it
        """Say nothing: probes come every few seconds, for ever."""


@contextmanager
def probes(host: str, port: int, *, live: Claim, ready: Claim) -> Iterator[None]:
    """Serve `/metrics`, `/health/live` and `/health/ready` in a thread; port 0 serves nothing."""
    if not port:
        yield
        return
    metrics = make_wsgi_app()
    claims = {"/health/live": live, "/health/ready": ready}

    def app(environ: Any, start_response: Any) -> Iterable[bytes]:
        path = environ["PATH_INFO"]
        if path == "/metrics":
            page: Iterable[bytes] = metrics(environ, start_response)
            return page
        claim = claims.get(path)
        status = "404 Not Found" if claim is None else "200 OK" if claim() else "503 Service Unavailable"
        start_response(status, [("Content-Type", "text/plain")])
        return [status.encode()]

    server = make_server(host, port, app, handler_class=_Silent)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()

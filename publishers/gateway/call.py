"""What is known of one HTTP call besides its request: for the log, and for the messages it causes."""

import re
import time
from dataclasses import dataclass, field

from starlette.types import Scope

from brokers.outgoing import new_message_id
from publishers.gateway.auth import Caller

# What may go into a log line and an AMQP property without a second thought.
_REQUEST_ID = re.compile(rb"[\x21-\x7e]{1,128}")
# https://www.w3.org/TR/trace-context/#traceparent-header
_TRACEPARENT = re.compile(rb"(?!ff)[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}")


@dataclass(slots=True)
class Call:
    """One call, from its first byte in to its last byte out."""

    path: str
    headers: dict[bytes, bytes]
    request_id: str
    traceparent: str | None
    began: float = field(default_factory=time.perf_counter)
    caller: Caller | None = None
    message_id: str | None = None
    status: int = 0

    def header(self, name: bytes) -> str | None:
        """Return a header, whose name is given in lower case."""
        value = self.headers.get(name)
        return None if value is None else value.decode("latin-1")

    @property
    def seconds(self) -> float:
        """How long it has been going on."""
        return time.perf_counter() - self.began


def begin(scope: Scope) -> Call:
    """Read the headers once, and take the caller's own request id and trace where they are well-formed."""
    headers: dict[bytes, bytes] = {}
    for name, value in scope["headers"]:
        # A repeated header is one with commas (RFC 9110, 5.3); two tokens thus make one that is not valid.
        headers[name] = headers[name] + b", " + value if name in headers else value
    named = headers.get(b"x-request-id", b"")
    trace = headers.get(b"traceparent", b"")
    return Call(
        path=scope["path"],
        headers=headers,
        request_id=named.decode() if _REQUEST_ID.fullmatch(named) else new_message_id(),
        traceparent=trace.decode() if _TRACEPARENT.fullmatch(trace) else None,
    )

"""What is known of one HTTP call besides its request: for the log, and for the messages it causes."""

import re
import time
from dataclasses import dataclass, field

from starlette.requests import Request
from starlette.types import Scope

from brokers.outgoing import new_message_id
from publishers.gateway.auth import Caller

_SCOPE_KEY = "mesh.call"
# What may go into a log line and an AMQP property without a second thought.
_REQUEST_ID = re.compile(rb"[\x21-\x7e]{1,128}")
# https://www.w3.org/TR/trace-context/#traceparent-header
_TRACEPARENT = re.compile(rb"(?!ff)[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}")


@dataclass(slots=True)
class Call:
    """One call, from its first byte in to its last byte out."""

    request_id: str
    traceparent: str | None
    began: float = field(default_factory=time.perf_counter)
    caller: Caller | None = None
    message_id: str | None = None
    status: int = 0

    @property
    def seconds(self) -> float:
        """How long it has been going on."""
        return time.perf_counter() - self.began


def begin(scope: Scope) -> Call:
    """Read the caller's own request id and trace, where they are well-formed, and remember the call in the scope."""
    named = traceparent = None
    for name, value in scope["headers"]:
        if name == b"x-request-id" and _REQUEST_ID.fullmatch(value):
            named = value.decode()
        elif name == b"traceparent" and _TRACEPARENT.fullmatch(value):
            traceparent = value.decode()
    call = Call(named or new_message_id(), traceparent)
    scope[_SCOPE_KEY] = call
    return call


def call_of(request: Request) -> Call:
    """Return the call that a request belongs to."""
    call = request.scope[_SCOPE_KEY]
    assert isinstance(call, Call)
    return call

"""Which message a request is: a new one each time, or the same one for the same Idempotency-Key."""

import re
import uuid

from brokers.outgoing import new_message_id
from publishers.gateway.call import Call
from publishers.gateway.errors import Refusal

HEADER = "Idempotency-Key"
_HEADER = HEADER.lower().encode()
PATTERN = r"^[\x21-\x7e]{1,255}$"
_NAMESPACE = uuid.UUID("5f0c9f3e-6d6b-4a70-9a7e-3b1f5c2d8e41")


class Identity:
    """The ids of the messages that one request causes.

    With an Idempotency-Key they are UUIDv5 of caller, route, key and place, so that a repeated request repeats its
    messages and every consumer can tell. Without one they are new (UUIDv7).
    """

    def __init__(self, call: Call) -> None:
        key = call.header(_HEADER)
        if key is not None and not re.fullmatch(PATTERN, key):
            raise Refusal(400, f"{HEADER} must be 1 to 255 visible ASCII characters")
        self._seed = f"{call.caller.digest if call.caller else ''}\n{call.path}\n{key}" if key else None

    def message_id(self, place: int = 0) -> str:
        """Return the id of the request's message, or of the one at `place`."""
        if self._seed is None:
            return new_message_id()
        return str(uuid.uuid5(_NAMESPACE, f"{self._seed}\n{place}"))

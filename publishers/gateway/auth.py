"""Who may call: everything needs a token, except the few paths that say so."""

import hashlib
import hmac
from collections.abc import Iterable
from dataclasses import dataclass

from pydantic import SecretStr
from starlette.types import Scope

from publishers.gateway import docs
from publishers.gateway.errors import Refusal

HEADER = "X-INFound-Inner-Service-Token"

#: Exact paths, for reading only. `/metrics` holds counts and names of queues, never data: it is open so that
#: Prometheus needs no token, and a gateway that listens beyond its host belongs behind a proxy that keeps it inside.
OPEN_PATHS = frozenset(
    {"/", "/health/live", "/health/ready", "/metrics", "/openapi.json", "/asyncapi", docs.PATH, *docs.FILES}
)


@dataclass(frozen=True, slots=True)
class Caller:
    """Which of the valid tokens was shown: its place in the setting, for logs, and its digest, for identities."""

    number: int
    digest: str


class Tokens:
    """The valid tokens, kept as digests only."""

    def __init__(self, tokens: Iterable[SecretStr]) -> None:
        self._known = [
            (hashlib.sha256(token.get_secret_value().encode()).digest(), number)
            for number, token in enumerate(tokens, start=1)
            if token.get_secret_value()
        ]

    def caller(self, token: bytes) -> Caller:
        """Return whose token this is; raises the 401 if it is nobody's."""
        digest = hashlib.sha256(token).digest()
        number = 0
        # Every token is compared, whatever was found before: the time taken tells nothing about any of them.
        for known, position in self._known:
            if hmac.compare_digest(known, digest):
                number = position
        if not number:
            raise Refusal(401, f"A valid {HEADER} header is required")
        return Caller(number, digest.hex())


def is_open(scope: Scope) -> bool:
    """Tell whether this request needs no token."""
    return scope["path"] in OPEN_PATHS and scope["method"] in {"GET", "HEAD"}

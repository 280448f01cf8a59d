"""Who may call: everything needs a token, except the few paths that say so."""

import base64
import hashlib
import hmac
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from pydantic import SecretStr
from starlette.types import Scope

from publishers.gateway import docs
from publishers.gateway.errors import Refusal

HEADER = "X-INFound-Inner-Service-Token"
_TOKEN = HEADER.lower().encode()

#: Exact paths, for reading only. `/metrics` holds counts and names of queues, never data: it is open so that
#: Prometheus needs no token, and a gateway that listens beyond its host belongs behind a proxy that keeps it inside.
OPEN_PATHS = frozenset(
    {"/", "/health/live", "/health/ready", "/metrics", "/openapi.json", "/asyncapi", docs.PATH, *docs.FILES}
)


@dataclass(frozen=True, slots=True)
class Caller:
    """Who calls: a token's place in the setting or a producer's name, for logs, and a digest, for identities.

    `number` tells callers apart; those of producers are below zero. `name` is None for whoever showed a token.
    """

    number: int
    digest: str
    name: str | None = None


class Tokens:
    """The valid tokens, kept as digests only."""

    def __init__(self, tokens: Iterable[SecretStr]) -> None:
        self._known = [
            (_digest(token.get_secret_value().encode()), number)
            for number, token in enumerate(tokens, start=1)
            if token.get_secret_value()
        ]

    def caller(self, token: bytes) -> Caller:
        """Return whose token this is; raises the 401 if it is nobody's."""
        digest = _digest(token)
        number = 0
        # Every token is compared, whatever was found before: the time taken tells nothing about any of them.
        for known, position in self._known:
            if hmac.compare_digest(known, digest):
                number = position
        if not number:
            raise Refusal(401, f"A valid {HEADER} header is required")
        return Caller(number, digest.hex())


class Producers:
    """Order systems, which know HTTP Basic and may post events and nothing else; passwords are kept as digests only."""

    def __init__(self, users: Iterable[SecretStr]) -> None:
        """Take `name:password` of each; a name may have several passwords, so that one can be replaced."""
        stated = [user.get_secret_value() for user in users]
        self._known = [(_digest(each.encode()), each.partition(":")[0]) for each in stated]
        self._numbers = {name: -place for place, (_, name) in enumerate(self._known, start=1)}

    def caller(self, header: bytes) -> Caller:
        """Return who shows these credentials (RFC 7617); raises the 401 if they are nobody's."""
        digest = _digest(_credentials(header))
        found = ""
        for known, name in self._known:
            if hmac.compare_digest(known, digest):
                found = name
        if not found:
            raise Refusal(401, "Invalid credentials")
        # The name alone: a password that is replaced makes no other caller, and so no other messages.
        return Caller(self._numbers[found], _digest(b"producer " + found.encode()).hex(), found)


class Callers:
    """Everybody who may call: whoever has a token, and order systems by name and password."""

    def __init__(self, tokens: Iterable[SecretStr], producers: Iterable[SecretStr] = ()) -> None:
        self._tokens = Tokens(tokens)
        self._producers = Producers(producers)

    def caller(self, headers: Mapping[bytes, bytes]) -> Caller:
        """Return who sent these headers, by their token where there is one; raises the 401 if it is nobody."""
        authorization = headers.get(b"authorization", b"")
        if authorization[:6].lower() == b"basic " and _TOKEN not in headers:
            return self._producers.caller(authorization)
        return self._tokens.caller(headers.get(_TOKEN, b""))


def _credentials(header: bytes) -> bytes:
    try:
        return base64.b64decode(header[6:].strip(), validate=True)
    except ValueError:
        return b""


def _digest(secret: bytes) -> bytes:
    return hashlib.sha256(secret).digest()


def is_open(scope: Scope) -> bool:
    """Tell whether this request needs no token."""
    return scope["path"] in OPEN_PATHS and scope["method"] in {"GET", "HEAD"}

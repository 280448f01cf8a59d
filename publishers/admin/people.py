"""Who may do what: people with passwords and roles, and a pause for whoever guesses."""

import base64
import binascii
import hashlib
import hmac
import math
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from pydantic import SecretStr

from publishers.admin.errors import Refusal

#: So many wrong passwords for one name, and it has to wait until the oldest of them is forgotten.
GUESSES = 10
FORGOTTEN_AFTER = timedelta(minutes=1)
#: Names that strangers try are remembered no further than that.
_NAMES = 10_000

_ASK = {"WWW-Authenticate": 'Basic realm="mesh admin", charset="UTF-8"'}


class Role(StrEnum):
    """What a person may do. Everybody but producers may read; secrets are shown in clear to one role alone."""

    READ = "read"
    ADMIN = "admin"
    SECRETS = "secrets"
    INGEST = "ingest"


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who has shown a password."""

    name: str
    roles: frozenset[Role]

    @property
    def role(self) -> str:
        """The roles as the audit writes them."""
        return "+".join(sorted(self.roles))


class People:
    """Everybody who has a password; it is kept as a digest only."""

    def __init__(
        self,
        operators: Iterable[SecretStr],
        producers: Iterable[SecretStr] = (),
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        """Read operators as `name:password:role+role` and producers, who may nothing here, as `name:password`."""
        self._known: list[tuple[bytes, Person]] = []
        for each in operators:
            login, _, roles = each.get_secret_value().rpartition(":")
            self._add(login, frozenset(map(Role, roles.split("+"))))
        for each in producers:
            self._add(each.get_secret_value(), frozenset({Role.INGEST}))
        self._guesses = _Guesses(now)

    def person(self, authorization: str | None) -> Person:
        """Return who this is; raises the 401 of a stranger, or the 429 of one who guesses."""
        login = _login(authorization)
        if login is None:
            raise Refusal(401, "AUTHENTICATION_FAILED", "Not authenticated", headers=_ASK)
        name = login.partition(":")[0]
        if seconds := self._guesses.wait(name):
            headers = {"Retry-After": str(math.ceil(seconds))}
            raise Refusal(429, "RATE_LIMIT_EXCEEDED", "Too many wrong passwords for this name", headers=headers)
        digest = _digest(login)
        found = None
        # All are compared, whatever was found before: the time taken tells nothing about any of them.
        for known, person in self._known:
            if hmac.compare_digest(known, digest):
                found = person
        if found is None:
            self._guesses.add(name)
            raise Refusal(401, "AUTHENTICATION_FAILED", "Invalid credentials", headers=_ASK)
        return found

    def _add(self, login: str, roles: frozenset[Role]) -> None:
        self._known.append((_digest(login), Person(login.partition(":")[0], roles)))


class _Guesses:
    """Wrong passwords by name, as far as they are not forgotten, in this process alone."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._at: OrderedDict[str, list[float]] = OrderedDict()

    def wait(self, name: str) -> float:
        """Return how many seconds a name has to wait, 0 for none."""
        recent = self._recent(name)
        return recent[0] + FORGOTTEN_AFTER.total_seconds() - self._now() if len(recent) >= GUESSES else 0.0

    def add(self, name: str) -> None:
        self._at[name] = [*self._recent(name), self._now()]
        self._at.move_to_end(name)
        if len(self._at) > _NAMES:
            self._at.popitem(last=False)

    def _recent(self, name: str) -> list[float]:
        since = self._now() - FORGOTTEN_AFTER.total_seconds()
        return [at for at in self._at.get(name, ()) if at > since]


def _digest(login: str) -> bytes:
    return hashlib.sha256(login.encode()).digest()


def _login(authorization: str | None) -> str | None:
    """Read HTTP Basic (RFC 7617), or return None for anything else."""
    kind, _, encoded = (authorization or "").partition(" ")
    if kind.lower() != "basic":
        return None
    try:
        login = base64.b64decode(encoded.strip(), validate=True).decode()
    except (binascii.Error, ValueError):
        return None
    return login if ":" in login else None

"""What every route has at hand, and what its parameters are called."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from http import HTTPStatus
from typing import Annotated, Any, Final, Generic, Protocol, TypeVar

from fastapi import Depends, Path, Query
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints
from starlette.requests import Request

from adapters.relay.guard import Guard
from adapters.relay.port import Adapter
from adapters.replies.port import Grant, Outcome
from adapters.vault import Vault
from brokers.verdict import Conflict
from persistence.uow import Transaction, Uow
from publishers.admin.border import PERSON
from publishers.admin.errors import Problem, forbidden, not_found
from publishers.admin.people import Person, Role
from schemas.clock import Clock

T = TypeVar("T")

#: The widest number of a row that every database takes.
_LARGEST: Final = 2**63 - 1
#: So much of an identifier the audit can be searched by; a longer one stands whole among the details.
_IDENTIFIER: Final = 64
#: What a field is before anybody has said it: pydantic looks at no default, so that a spoken null is refused.
UNSAID: Any = None


class Exchange(Protocol):
    """TikTok, where the code that an account's owner came back with is exchanged for tokens."""

    async def connect(self, auth_code: str, redirect_uri: str) -> Grant | Outcome:
        """Exchange a code, once."""


@dataclass(frozen=True, slots=True)
class Connecting:
    """How business accounts are connected; owners come back to `here`, or else to where the operator asked."""

    tiktok: Exchange
    client_key: str
    authorize_url: str
    here: str | None = None


@dataclass(frozen=True, slots=True)
class Desk:
    """The database, the keys, the platforms and the guard; `horizons` are how long each platform knows a repeat.

    `handoff` is how long a person speaks who takes a conversation over; without `connecting` no account is connected.
    """

    uow: Uow
    clock: Clock
    vault: Vault
    guard: Guard
    adapters: Mapping[str, Adapter]
    bases: Mapping[str, str]
    handoff: timedelta = timedelta(hours=12)
    connecting: Connecting | None = None

    @property
    def horizons(self) -> dict[str, timedelta]:
        """By platform code."""
        return {code: adapter.limits.horizon for code, adapter in self.adapters.items()}


def _person(request: Request) -> Person:
    person: Person = request.scope[PERSON]
    return person


def _changer(person: Annotated[Person, Depends(_person)]) -> Person:
    if Role.ADMIN not in person.roles:
        raise forbidden("This needs the role admin")
    return person


#: Whoever calls, and whoever may change things.
Reader = Annotated[Person, Depends(_person)]
Changer = Annotated[Person, Depends(_changer)]
Number = Annotated[int, Path(ge=1, le=_LARGEST)]
RowNumber = Annotated[int, Field(ge=1, le=_LARGEST)]


def check_may_reveal(person: Person) -> None:
    """Raise the 403 of somebody who may not see secrets in clear."""
    if Role.SECRETS not in person.roles:
        raise forbidden("Secrets in clear need the role secrets")


def _printable(text: str) -> str:
    if not text.replace("\n", " ").replace("\t", " ").isprintable():
        raise ValueError("must not contain control characters")
    return text


def line(most: int, least: int = 1) -> Any:
    """Return the constraints of one line of text, trimmed."""
    return StringConstraints(strip_whitespace=True, min_length=least, max_length=most)


Printable = AfterValidator(_printable)
Words = Annotated[str, StringConstraints(strip_whitespace=True, max_length=10_000), Printable]


class Body(BaseModel):
    """What is sent: unknown fields are not looked at, and errors never repeat a value, which may be a secret."""

    model_config = ConfigDict(hide_input_in_errors=True)


class Paging(BaseModel):
    """Which part of a list, in order of number."""

    skip: int = Field(0, ge=0, le=1_000_000)
    limit: int = Field(100, ge=1, le=1000)


class ActivePaging(Paging):
    """Which part of a list, and whether only what is switched on, or off."""

    is_active: bool | None = None


class Listed(BaseModel, Generic[T]):
    """A page; `total` counts to 10,000 where rows are many, `next_after` continues a list of events or deliveries."""

    items: list[T]
    total: int
    skip: int
    limit: int
    has_more: bool
    next_after: int | None = None


def listed(items: Sequence[T], total: int, page: Paging) -> Listed[T]:
    """Return a page of a list that is counted."""
    has_more = page.skip + len(items) < total
    return Listed(items=list(items), total=total, skip=page.skip, limit=page.limit, has_more=has_more)


PageOf = Annotated[Paging, Query()]


def there(record: T | None, resource: str, identifier: object) -> T:
    """Return what was looked for, or raise its 404."""
    if record is None:
        raise not_found(resource, identifier)
    return record


@asynccontextmanager
async def adding(desk: Desk, check_free: Callable[[Transaction], Awaitable[None]]) -> AsyncIterator[Transaction]:
    """Open the transaction that adds a row; whoever loses the race for its key is told what `check_free` tells."""
    try:
        async with desk.uow() as tx:
            yield tx
    except Conflict:
        async with desk.uow() as tx:
            await check_free(tx)
        raise


def says(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Return the documentation of these refusals, beside those that every route has."""
    every = (401, 403, 422, 429, 503, *statuses)
    return {status: {"model": Problem, "description": HTTPStatus(status).phrase} for status in every}


async def remember(
    tx: Transaction, person: Person, action: str, resource: str, number: object, /, **details: Any
) -> None:
    """Write who did what, in the transaction that does it."""
    identifier = str(number)
    if len(identifier) > _IDENTIFIER:
        details["identifier"] = identifier
    await tx.configuration.audit(person.name, person.role, action, resource, identifier[:_IDENTIFIER], **details)

"""What an operator does where customers, workers and pollers are at work too: again where a race is lost."""

from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

from brokers.verdict import Conflict
from persistence.uow import Transaction, Uow

T = TypeVar("T")

#: Each loss lets the winner finish, and a conversation has few.
TRIES: Final = 5


async def in_turn(uow: Uow, work: Callable[[Transaction], Awaitable[T]]) -> T:
    """Do something in one transaction, and return what it returns."""
    for tries_left in reversed(range(TRIES)):
        try:
            async with uow() as tx:
                return await work(tx)
        except Conflict:
            if not tries_left:
                raise
    raise AssertionError

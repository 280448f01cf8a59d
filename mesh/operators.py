"""Who types a command, and what commands do in that person's name: the same as the admin API does, remembered alike."""

import asyncio
import getpass
from collections.abc import Awaitable, Callable
from typing import TypeVar

from rich.markup import escape

from mesh.compose import Composition
from publishers.admin.people import Person, Role
from schemas.replies.words import clean
from settings import Settings

T = TypeVar("T")


def me() -> Person:
    """Return whoever is logged in; the command line asks for no password, since it has the database's."""
    return Person(getpass.getuser(), frozenset({Role.ADMIN}))


def run(role: str, work: Callable[[Composition], Awaitable[T]]) -> T:
    """Do something with the configured database, and close it."""

    async def whole() -> T:
        composition = Composition(Settings(), role)
        try:
            return await work(composition)
        finally:
            await composition.close()

    return asyncio.run(whole())


def plain(text: str, most: int | None = None) -> str:
    """Return what strangers wrote as it may be printed: one line, without what steers a terminal or rich."""
    shown = clean(text)
    return escape(shown if most is None or len(shown) <= most else f"{shown[: most - 1]}…")

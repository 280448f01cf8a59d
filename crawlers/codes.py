"""Login codes that come by mail: who gives them, and how one is told from whatever else is in a mailbox.

A code counts only if its mail came after it was asked for, to the account's own address and about the shop, so that
neither yesterday's code nor another account's is typed.
"""

import asyncio
import imaplib
import re
import time
from collections.abc import Awaitable, Callable, Collection, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from email.utils import getaddresses
from typing import Any, Protocol

import structlog

from crawlers.accounts import Account, Mailbox

log = structlog.get_logger()

#: Mail servers' clocks are off by that much at most.
_CLOCKS_DIFFER = timedelta(seconds=60)
_LOOK_EVERY_S = 3.0
_NEWEST = 15
_SUBJECT = re.compile(r"tiktok shop|partner center", re.IGNORECASE)
#: Codes are announced: "…code is: ABC123", "ABC123 is your … code". Any six letters elsewhere are a word.
_CODES = (
    re.compile(r"\b([A-Z0-9]{6}) is your\b[^\n]{0,60}\bcode\b", re.IGNORECASE),
    re.compile(r"\bcode(?: is)?\s*[:\uff1a]?\s*\n?\s*\b([A-Z0-9]{6})\b(?=\s*(?:\n|$|\.))"),
)


class NoCodeCame(Exception):
    """No fitting mail came in time."""


class CodeSource(Protocol):
    """Who gives the code that was mailed to an account."""

    async def code(self, account: Account, asked_at: datetime, but_not: Collection[str] = ()) -> str:
        """Return the code that was asked for at that moment, none that was tried before; raises NoCodeCame."""


@dataclass(frozen=True, slots=True)
class Mail:
    """What matters of a mail; `at` is when it came."""

    to: frozenset[str]
    subject: str
    text: str
    at: datetime


def code_in(mail: Mail, email: str, asked_at: datetime) -> str | None:
    """Return the code of a mail that answers what was asked for, or None."""
    if mail.at < asked_at - _CLOCKS_DIFFER or email.lower() not in mail.to or not _SUBJECT.search(mail.subject):
        return None
    for pattern in _CODES:
        for text in (mail.subject, mail.text):
            if found := pattern.search(text):
                return found[1].upper()
    return None


def newest_code(mails: Iterable[Mail], email: str, asked_at: datetime, but_not: Collection[str] = ()) -> str | None:
    """Return the code of the newest mail that has a fitting one, none that was tried before."""
    for mail in sorted(mails, key=lambda mail: mail.at, reverse=True):
        code = code_in(mail, email, asked_at)
        if code and code not in but_not:
            return code
    return None


class ImapCodes:
    """Reads the newest mails of a mailbox until a code has come."""

    def __init__(
        self,
        password: Callable[[Mailbox], str],
        patience: timedelta = timedelta(seconds=90),
        fetch: Callable[[str, str, str], list[Mail]] | None = None,
    ) -> None:
        self._password = password
        self._patience = patience
        self._fetch = fetch or _fetched

    async def code(self, account: Account, asked_at: datetime, but_not: Collection[str] = ()) -> str:
        """Return the code that was asked for at that moment; raises NoCodeCame."""
        mailbox = account.mailbox
        if mailbox is None:
            raise NoCodeCame(f"account {account.name} has no mailbox")
        password = self._password(mailbox)

        async def look() -> list[Mail]:
            try:
                return await asyncio.to_thread(self._fetch, mailbox.host, mailbox.username, password)
            except (OSError, imaplib.IMAP4.error) as error:
                log.warning("mailbox_not_read", account=account.name, error=type(error).__name__)
                return []

        return await _awaited(look, account, asked_at, but_not, self._patience)


class OutboxCodes:
    """Reads the outbox of a stand-in; `fetch` returns its mails as JSON."""

    def __init__(
        self, fetch: Callable[[str], Awaitable[list[dict[str, Any]]]], patience: timedelta = timedelta(seconds=20)
    ) -> None:
        self._fetch = fetch
        self._patience = patience

    async def code(self, account: Account, asked_at: datetime, but_not: Collection[str] = ()) -> str:
        """Return the code that was asked for at that moment; raises NoCodeCame."""
        url = account.mailbox.url if account.mailbox else None
        if not url:
            raise NoCodeCame(f"account {account.name} has no outbox")

        async def look() -> list[Mail]:
            told = await self._fetch(f"{url}?to={account.email}")
            return [
                Mail(
                    to=frozenset({str(mail["to"]).lower()}),
                    subject=mail["subject"],
                    text=mail["body"],
                    at=datetime.fromtimestamp(mail["sent_at"], asked_at.tzinfo),
                )
                for mail in told
            ]

        return await _awaited(look, account, asked_at, but_not, self._patience)


class AskedCodes:
    """Asks whoever sits at the terminal."""

    def __init__(self, ask: Callable[[str], str]) -> None:
        self._ask = ask

    async def code(  # a person sees when a mail came, and which code was typed before
        self,
        account: Account,
        asked_at: datetime,  # noqa: ARG002 -- the same
        but_not: Collection[str] = (),  # noqa: ARG002 -- the same
    ) -> str:
        """Return what is typed; raises NoCodeCame for nothing."""
        typed = await asyncio.to_thread(self._ask, f"Code mailed to {account.email}: ")
        if not typed.strip():
            raise NoCodeCame("nobody typed a code")
        return typed.strip().upper()


async def _awaited(
    look: Callable[[], Awaitable[list[Mail]]],
    account: Account,
    asked_at: datetime,
    but_not: Collection[str],
    patience: timedelta,
) -> str:
    deadline = time.monotonic() + patience.total_seconds()
    pause = 0.1  # a stand-in's mail is there at once
    while True:
        if code := newest_code(await look(), account.email, asked_at, but_not):
            return code
        if time.monotonic() + pause > deadline:
            raise NoCodeCame(f"no code for {account.name} came within {patience.total_seconds():.0f} s")
        await asyncio.sleep(pause)
        pause = min(pause * 2, _LOOK_EVERY_S)


def read_mail(raw: bytes, at: datetime) -> Mail:
    """Read a mail as it is on a server."""
    message = message_from_bytes(raw, EmailMessage, policy=policy.default)
    body = message.get_body(("plain", "html"))
    text = body.get_content() if body is not None else ""
    if body is not None and body.get_content_subtype() == "html":
        text = re.sub(r"<(style|script).*?</\1>|<[^>]+>", "\n", text, flags=re.DOTALL | re.IGNORECASE)
    to = [value for name in ("to", "delivered-to", "x-original-to") for value in message.get_all(name, [])]
    addresses = frozenset(address.lower() for _, address in getaddresses(list(map(str, to))) if address)
    return Mail(addresses, str(message.get("subject", "")), text, at)


def _fetched(host: str, username: str, password: str) -> list[Mail]:
    with _logged_in(host, username, password) as server:
        server.select("INBOX", readonly=True)
        _, found = server.search(None, "ALL")
        numbers = found[0].split()[-_NEWEST:]
        parts = [part for number in numbers for part in server.fetch(number, "(INTERNALDATE BODY.PEEK[])")[1]]
        return [read_mail(part[1], _came(part[0])) for part in parts if isinstance(part, tuple)]


def _came(envelope: bytes) -> datetime:
    """Return when a mail came to the server; one that does not say is too old to be of use."""
    local = imaplib.Internaldate2tuple(envelope)
    return datetime.fromtimestamp(time.mktime(local) if local else 0, UTC)


@contextmanager
def _logged_in(host: str, username: str, password: str) -> Iterator[imaplib.IMAP4]:
    server = imaplib.IMAP4_SSL(host, timeout=20)
    try:
        server.login(username, password)
        yield server
    finally:
        server.logout()

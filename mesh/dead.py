"""`mesh dead`: what could not be handled, grouped by cause, and the way back."""

import asyncio
import sys
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

import orjson
import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from brokers import topology
from brokers.dead import DeadLetter, DeadLetters, Selection
from mesh.compose import Composition
from mesh.console import age, console, print_json, table
from schemas.clock import utc_now
from settings import Settings

T = TypeVar("T")

Remove = Callable[[DeadLetters, Selection, Callable[[DeadLetter], Any]], Awaitable[int]]


@dataclass(slots=True)
class Group:
    """Dead letters of one queue with one cause."""

    id: str
    queue: str
    error_class: str
    stack_hash: str
    reason: str
    count: int = 0
    first_at: datetime | None = None
    last_at: datetime | None = None
    sample: str = ""

    def add(self, letter: DeadLetter) -> None:
        """Count one more."""
        self.count += 1
        died_at = letter.dead_at
        if died_at is not None:
            self.first_at = min(self.first_at or died_at, died_at)
            self.last_at = max(self.last_at or died_at, died_at)
        self.sample = self.sample or letter.incoming.message_id


@dataclass(slots=True)
class Pace:
    """At most `rate` a second, counted on a progress bar."""

    rate: int
    advance: Callable[[], None]
    _next: float = field(default=0.0)

    async def __call__(self, _: DeadLetter) -> None:
        """Wait for this letter's turn."""
        now = asyncio.get_running_loop().time()
        self._next = max(self._next + 1 / self.rate, now)
        if self._next > now:
            await asyncio.sleep(self._next - now)
        self.advance()


def listed(queue: str | None, *, as_json: bool) -> None:
    """Print one line a group of dead letters."""
    groups = asyncio.run(_with_letters(lambda dead: _grouped(dead, _selection(queue))))
    if as_json:
        print_json(groups)
        return
    if not groups:
        console.print("No dead letters.")
        return
    now = utc_now()
    rows = [
        (group.id, group.queue, group.error_class, group.count, age(group.first_at, now), age(group.last_at, now),
         group.reason[:100], group.sample)
        for group in groups
    ]  # fmt: skip
    console.print(
        table("Dead letters", ["group", "queue", "error", "count", "first", "last", "reason", "sample"], rows)
    )
    console.print("Look closer: mesh dead show -g GROUP. Send back: mesh dead redrive -g GROUP.", style="dim")


def show(queue: str | None, group: str | None, message: str | None, *, as_json: bool) -> None:
    """Print dead letters whole."""
    selection = _selection(queue, group, message)
    letters = asyncio.run(_with_letters(lambda dead: _collected(dead, selection)))
    if as_json:
        print_json([_plain(letter) for letter in letters])
        return
    for letter in letters:
        facts = _plain(letter)
        body = facts.pop("body")
        console.print(table(letter.incoming.message_id, ["", ""], list(facts.items())))
        console.print(body if isinstance(body, str) else orjson.dumps(body, option=orjson.OPT_INDENT_2).decode())
    if not letters:
        console.print("No such dead letter.")


def redrive(
    queue: str | None,
    group: str | None,
    message: str | None,
    *,
    is_all: bool,
    rate: int,
    is_dry_run: bool,
    body: Path | None = None,
) -> None:
    """Send the selected letters back to their queues, paced, with a progress bar; `body` replaces that of one."""
    selection = _chosen(queue, group, message, is_all=is_all)
    if body is not None and message is None:
        raise typer.BadParameter("--body replaces the body of one message: say which with --message")
    repaired = body.read_bytes() if body else None

    async def back(dead: DeadLetters, chosen: Selection, pace: Callable[[DeadLetter], Any]) -> int:
        return await dead.redrive(chosen, pace, repaired)

    _remove("redriven", selection, back, rate=rate, is_dry_run=is_dry_run)


def discard(queue: str | None, group: str | None, message: str | None, *, is_all: bool, is_dry_run: bool) -> None:
    """Delete the selected letters."""
    selection = _chosen(queue, group, message, is_all=is_all)
    _remove("discarded", selection, DeadLetters.discard, rate=10_000, is_dry_run=is_dry_run)


def _remove(verb: str, selection: Selection, remove: Remove, *, rate: int, is_dry_run: bool) -> None:
    async def work(dead: DeadLetters) -> int:
        letters = [letter async for letter in dead.letters(selection)]
        if is_dry_run:
            return len(letters)
        with _progress() as progress:
            task = progress.add_task(verb, total=len(letters))
            return await remove(dead, selection, Pace(rate, lambda: progress.advance(task)))

    count = asyncio.run(_with_letters(work))
    console.print(f"{count} would be {verb}." if is_dry_run else f"{count} {verb}.")


async def _grouped(dead: DeadLetters, selection: Selection) -> list[Group]:
    groups: dict[str, Group] = {}
    async for letter in dead.letters(selection):
        if letter.group not in groups:
            groups[letter.group] = Group(
                letter.group, letter.queue, letter.error_class, letter.stack_hash, letter.reason
            )
        groups[letter.group].add(letter)
    return sorted(groups.values(), key=lambda group: -group.count)


async def _collected(dead: DeadLetters, selection: Selection) -> list[DeadLetter]:
    return [letter async for letter in dead.letters(selection)]


async def _with_letters(work: Callable[[DeadLetters], Awaitable[T]]) -> T:
    composition = Composition(Settings(), "dead")
    link = composition.link("dead letters")
    try:
        return await work(DeadLetters(link, composition.publisher, topology.QUEUES, utc_now))
    finally:
        await composition.close()
        await link.close()


def _selection(queue: str | None = None, group: str | None = None, message: str | None = None) -> Selection:
    names = [known.name for known in topology.QUEUES]
    if queue is not None and queue.removesuffix(".dead") not in names:
        raise typer.BadParameter(f"there is no queue {queue}; there are {', '.join(names)}")
    return Selection(queue.removesuffix(".dead") if queue else None, group, message)


def _chosen(queue: str | None, group: str | None, message: str | None, *, is_all: bool) -> Selection:
    """Return the selection; to mean everything one has to say so."""
    if not (queue or group or message or is_all):
        raise typer.BadParameter("say which: --queue, --group, --message or --all")
    return _selection(queue, group, message)


def _plain(letter: DeadLetter) -> dict[str, Any]:
    message = letter.incoming
    try:
        body = orjson.loads(message.body)
    except ValueError:
        body = message.body.decode(errors="replace")
    return {
        "message_id": message.message_id,
        "group": letter.group,
        "queue": letter.queue,
        "error_class": letter.error_class,
        "reason": letter.reason,
        "stack_hash": letter.stack_hash,
        "attempts": letter.attempts,
        "first_seen": message.first_seen.isoformat(),
        "dead_at": letter.dead_at.isoformat() if letter.dead_at else None,
        "exchange": message.exchange,
        "key": message.key,
        "body": body,
    }


def _progress() -> Progress:
    return Progress(
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(),
        console=console, transient=True, disable=not sys.stderr.isatty(),
    )  # fmt: skip

"""`mesh chat`: a customer's conversation with the shop, through the signed webhook, the queues and the sender.

It writes as customers do, in the TikTok that `mesh up` runs on this machine; nothing of the mesh knows the difference.
"""

import asyncio
import contextlib
import secrets
import sys
import time
from collections import deque
from collections.abc import AsyncIterator
from typing import Final

import orjson

from mesh.compose import Composition, Unconfigured, database_url
from mesh.console import notes
from mesh.local_tiktok import Heard, Local, put_example_stock
from persistence.uow import Transaction
from schemas.replies.records import Handoff
from settings import Settings

#: Longer than a model that hangs is waited for, with what comes after it.
PATIENCE: Final = 25.0
LOOK: Final = 0.05
#: A message that nobody will answer is known to be so by then.
_SETTLED: Final = 1.5
_MINUTE: Final = 60.0
_A_MOMENT: Final = 0.2
_BYE: Final = ("/quit", "/exit")
_HINT: Final = "Try: hi · 2 · size L jacket · HOLD TH-P-001 · BUY TH-P-001 · YES · where is my order · 3"


def run(*, name: str | None, as_json: bool) -> int:
    """Talk until the input ends; 1 if a message got no answer and nothing says why."""
    return asyncio.run(_chat(name or f"guest-{secrets.token_hex(3)}", as_json=as_json))


async def _chat(name: str, *, as_json: bool) -> int:
    settings = Settings()
    local = Local(settings.tiktok_base_url)
    if settings.broker_url is None or not await local.is_there():
        raise Unconfigured(
            "there is nobody to write to: start `mesh up` in another terminal, without MESH_DATABASE_URL and any "
            "MESH_TIKTOK_ setting, since where a TikTok app is set, customers write to it in TikTok"
        )
    composition = Composition(settings, "chat")
    try:
        if seeded := await put_example_stock(database_url(settings)):
            notes.print(
                f"The stock was empty: {seeded} pieces of mesh/examples/stock.csv are for sale now.", style="dim"
            )
        notes.print(f"You are {name}, writing to the shop in a TikTok of this machine's own.", style="dim")
        notes.print(f"{_HINT}\nCtrl-D ends it.\n", style="dim")
        return await Chat(local, composition, name, as_json=as_json).held()
    finally:
        await composition.close()


class Chat:
    """One conversation: lines of the input go out, what the shop says comes back."""

    def __init__(self, local: Local, composition: Composition, name: str, *, as_json: bool) -> None:
        self._local = local
        self._composition = composition
        self._name = name
        self._conversation = f"cv-{name}-{secrets.token_hex(4)}"
        self._as_json = as_json
        self._heard = 0
        self._answers = 0
        self._wrote_at = 0.0
        #: People read before they write again; a pipe that did not would be waited for as one who goes on writing.
        self._reading = 0.0 if sys.stdin.isatty() else composition.settings.replies_debounce_seconds + _A_MOMENT
        self._read_at = 0.0
        self._writes: deque[float] = deque(maxlen=composition.settings.replies_inbound_a_minute + 1)
        self._listening: asyncio.Task[None]

    async def held(self) -> int:
        """Hold the conversation."""
        self._listening = listening = asyncio.create_task(self._listen())
        unexplained = 0
        try:
            async for line in _lines(prompt="" if self._as_json else "you  > "):
                if line in _BYE:
                    break
                if line:
                    unexplained += await self._say(line)
        finally:
            listening.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await listening
        return int(unexplained > 0)

    async def _say(self, text: str) -> bool:
        """Write, and wait for an answer; true where none came and nothing says why."""
        await asyncio.sleep(max(self._read_at + self._reading - time.monotonic(), 0.0))
        answers, began = self._answers, time.monotonic()
        if self._as_json:
            self._tell({"by": "customer", "text": text})
        elif not sys.stdin.isatty():
            print(f"you  > {text}", flush=True)  # noqa: T201 -- the conversation is this command's output
        self._wrote_at = time.time()
        self._writes.append(self._wrote_at)
        await self._local.write(self._conversation, self._name, text)
        while self._answers == answers:
            await asyncio.sleep(LOOK)
            if self._listening.done():
                self._listening.result()
            waited = time.monotonic() - began
            if waited > _SETTLED and (why := await self._silence()):
                self._note(why)
                return False
            if waited > PATIENCE:
                self._note(f"no answer within {PATIENCE:.0f} s: `mesh doctor` may know why")
                return True
        return False

    async def _silence(self) -> str:
        """Return why nobody will answer, or nothing."""
        async with self._composition.database.uow() as tx:
            return await self._why(tx)

    async def _why(self, tx: Transaction) -> str:
        customer = await tx.people.get(self._name)
        if customer is not None and customer.opted_out_at is not None:
            return "no answer: you wanted no messages; START brings them back"
        thread = await tx.threads.get(self._conversation)
        if thread is not None and thread.handoff is Handoff.HUMAN:
            return "no answer: the conversation is with a person of the shop"
        if len(self._writes) == self._writes.maxlen and self._writes[-1] - self._writes[0] < _MINUTE:
            return f"no answer: a customer gets {self._writes.maxlen - 1} a minute (MESH_REPLIES_INBOUND_A_MINUTE)"
        return ""

    async def _listen(self) -> None:
        """Print what the shop says, whenever it does."""
        while True:
            for each in await self._local.talk(self._conversation, self._heard):
                self._heard += 1
                if each.by != "customer":
                    self._answered(each)
            await asyncio.sleep(LOOK)

    def _answered(self, heard: Heard) -> None:
        seconds = max(heard.at - self._wrote_at, 0.0)
        if self._as_json:
            self._tell({"by": heard.by, "text": heard.text, "seconds": round(seconds, 3)})
        else:
            text = heard.text.replace("\n", "\n       ")
            print(f"{heard.by:<5}> {text}   ({seconds:.2f} s)", flush=True)  # noqa: T201 -- the same
        self._answers += 1
        self._read_at = time.monotonic()

    def _note(self, why: str) -> None:
        if self._as_json:
            self._tell({"by": "nobody", "text": why})
        else:
            notes.print(f"({why})", style="yellow")

    def _tell(self, line: dict[str, object]) -> None:
        sys.stdout.write(orjson.dumps(line).decode() + "\n")
        sys.stdout.flush()


async def _lines(prompt: str) -> AsyncIterator[str]:
    """Yield what is written, a line at a time, from a keyboard or a pipe."""
    is_keyboard = sys.stdin.isatty()
    if is_keyboard:
        with contextlib.suppress(ImportError):
            import readline  # noqa: F401, PLC0415 -- `input` edits lines once it is there
    while True:
        line = await asyncio.to_thread(_typed, prompt if is_keyboard else None)
        if line is None:
            return
        yield line.strip()


def _typed(prompt: str | None) -> str | None:
    if prompt is None:
        return sys.stdin.readline() or None
    try:
        return input(prompt)
    except EOFError:
        return None

"""`mesh replies`, `mesh stock` and `mesh orders` as an operator types them, on real databases."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from typer.testing import CliRunner

from adapters.vault import Vault, new_key
from mesh import cli, logs
from mesh.complaints import complaint
from persistence.uow import Uow
from schemas.clock import utc_now
from schemas.relay.selection import Page
from schemas.replies.records import Handoff, ReplyState
from schemas.replies.stock import OrderStatus
from tests.build.replies import BUSINESS, CONVERSATION, CUSTOMER, item, reply, said, thread, tokens, user, webhook

SKU = "TH-P-001"
#: What a customer could write to whoever reads it in a terminal.
NASTY = "[/bold] \x1b[2J \u202eolleh [link=https://evil.example]x[/link] TH-P-001?"


@pytest.fixture(autouse=True)
def _on_this_database(url: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(logs, "configure", lambda *_: None)  # it is the whole process's
    monkeypatch.setattr("getpass.getuser", lambda: "ann")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setenv("MESH_BROKER_URL", "amqp://nobody-is-there/")
    monkeypatch.setenv("MESH_DATABASE_URL", url)


async def mesh(*words: str, typed: str | None = None) -> Result:
    return await asyncio.to_thread(CliRunner().invoke, cli.app, list(words), typed)


@pytest.fixture
async def talk(uow: Uow) -> int:
    """A conversation of a moment ago in which a reply waits; the reply's number."""
    now = utc_now()
    async with uow() as tx:
        await tx.people.seen([user()])
        await tx.threads.opened(thread(last_inbound_at=now))
        event = await tx.webhooks.add(webhook(provider_ts=now, received_at=now))
        await tx.chat.add(said(NASTY, event_id=event, provider_ts=now))
        number = await tx.replies.add(reply("[red]Yes", not_before=now, expires_at=now.replace(year=now.year + 1)))
    assert number
    return number


async def order(uow: Uow) -> str:
    now = utc_now()
    async with uow() as tx:
        await tx.stock.put([item()])
        await tx.people.seen([user()])
        await tx.holds.hold(CUSTOMER, CONVERSATION, SKU, now)
        made = await tx.orders.from_holds(CUSTOMER, CONVERSATION, [SKU], now)
    assert made
    return made.order.code


@pytest.mark.usefixtures("talk")
async def test_conversations_are_listed_and_shown_whatever_a_customer_wrote() -> None:
    assert CONVERSATION in (await mesh("replies", "threads")).output
    assert json.loads((await mesh("replies", "threads", "--who", "human", "--json")).stdout) == []
    shown = await mesh("replies", "show", CONVERSATION)
    assert shown.exit_code == 0, shown.exception
    assert "[/bold]" in shown.output
    assert "[red]Yes" in shown.output
    assert "\x1b" not in shown.output
    assert "\u202e" not in shown.output
    told: Any = json.loads((await mesh("replies", "show", CONVERSATION, "--json")).stdout)
    assert told["messages"][0]["text"] == NASTY  # a program gets what was said


async def test_a_conversation_is_taken_over_written_to_and_released(uow: Uow, talk: int) -> None:
    taken = await mesh("replies", "take-over", CONVERSATION, "--hours", "2", "--reason", "a complaint")
    assert "1 of its replies will not be sent" in taken.output, taken.exception
    written = await mesh("replies", "reply", CONVERSATION, "-", typed="Hello,\nI am Ann.\n")
    assert "is on its way" in written.output, written.exception
    async with uow() as tx:
        newest, first = await tx.replies.of(CONVERSATION, 9)
        silent = await tx.threads.get(CONVERSATION)
        audit, _ = await tx.search.audit(Page(limit=10, newest=True))
    assert (newest.body, newest.decided_by) == ("Hello,\nI am Ann.", "operator")
    assert (first.id, first.state) == (talk, ReplyState.CANCELLED)
    assert silent
    assert silent.handoff is Handoff.HUMAN
    assert [(each.who, each.action) for each in audit] == [("ann", "reply"), ("ann", "take over")]
    assert "bot answers" in (await mesh("replies", "release", CONVERSATION)).output
    async with uow() as tx:
        free = await tx.threads.get(CONVERSATION)
    assert free
    assert free.handoff is Handoff.BOT


@pytest.mark.parametrize("words", [("show",), ("take-over",), ("release",), ("reply",)])
async def test_a_conversation_that_is_not_there_is_told_in_a_sentence(words: tuple[str, ...]) -> None:
    text = ("Hello",) if words == ("reply",) else ()
    result = await mesh("replies", *words, "nobody", *text)
    assert isinstance(result.exception, Exception)
    assert complaint(result.exception) == "conversation nobody is not there"


@pytest.mark.usefixtures("talk")
async def test_a_reply_that_says_nothing_or_comes_too_late_is_refused(uow: Uow) -> None:
    assert (await mesh("replies", "reply", CONVERSATION, " \n")).exit_code == 2
    async with uow() as tx:
        await tx.threads.save(thread())  # the customer wrote long ago
    late = await mesh("replies", "reply", CONVERSATION, "Hello")
    assert isinstance(late.exception, Exception)
    assert "48 hours" in (complaint(late.exception) or "")


async def test_uncertain_replies_are_listed_and_settled(uow: Uow, talk: int) -> None:
    now = utc_now()
    async with uow() as tx:
        others = [
            await tx.replies.add(
                reply(body, state=ReplyState.UNCERTAIN, sending_at=now, expires_at=now.replace(year=now.year + 1))
            )
            for body in ("one", "two", "three")
        ]
    numbers = [str(each) for each in others]
    listed = json.loads((await mesh("replies", "uncertain", "list", "--json")).stdout)
    assert [str(each["id"]) for each in listed] == numbers
    assert "three" in (await mesh("replies", "uncertain", "list")).output
    for verb, number in zip(("sent", "resend", "drop"), numbers, strict=True):
        assert (await mesh("replies", "uncertain", verb, number)).exit_code == 0
    states = {}
    async with uow() as tx:
        for each in others:
            found = await tx.replies.get(each or 0)
            states[found.body if found else ""] = found.state if found else None
    assert states == {"one": ReplyState.SENT, "two": ReplyState.PENDING, "three": ReplyState.CANCELLED}
    again = await mesh("replies", "uncertain", "sent", str(talk), numbers[0])
    assert again.exit_code == 1
    assert "is not uncertain but PENDING" in again.stderr
    assert "No reply is uncertain" in (await mesh("replies", "uncertain", "list")).output


async def test_accounts_are_listed_paused_and_resumed(uow: Uow) -> None:
    assert "No account is connected" in (await mesh("replies", "accounts")).output
    async with uow() as tx:
        await tx.tokens.put(tokens(access_expires_at=utc_now(), refresh_expires_at=utc_now().replace(year=2099)))
    assert "connected" in (await mesh("replies", "accounts")).output
    assert "Nothing is sent" in (await mesh("replies", "pause", BUSINESS, "--hours", "2")).output
    told: Any = json.loads((await mesh("replies", "accounts", "--json")).stdout)
    assert (told[0]["state"], told[0]["reason"]) == ("paused", "paused by ann")
    assert "is connected" in (await mesh("replies", "resume", BUSINESS)).output


async def test_tokens_of_accounts_get_the_current_key(uow: Uow, monkeypatch: pytest.MonkeyPatch) -> None:
    old, new = new_key(), new_key()
    sealed = Vault([old])
    async with uow() as tx:
        await tx.tokens.put(tokens(access_token=sealed.seal("at-1"), refresh_token=sealed.seal("rt-1")))
        await tx.tokens.put(tokens(business_id="biz-2", access_token=sealed.seal("at-2"), refresh_token=None))
    monkeypatch.setenv("MESH_ENCRYPTION_KEYS", f"{new},{old}")
    rotated = await mesh("rotate-keys")
    assert "3 secrets sealed" in rotated.output, rotated.output
    async with uow() as tx:
        found = {each.business_id: each for each in await tx.tokens.listed()}
    assert Vault([new]).open(found[BUSINESS].access_token) == "at-1"
    assert Vault([new]).open(found[BUSINESS].refresh_token or "") == "rt-1"
    assert Vault([new]).open(found["biz-2"].access_token) == "at-2"


async def test_pieces_are_shown_and_set(uow: Uow) -> None:
    async with uow() as tx:
        await tx.stock.put([item(name="[red]Jacket")])
    shown = await mesh("stock", "show", SKU.lower(), "TH-X-999")
    assert (shown.exit_code, "[red]Jacket" in shown.output, "TH-X-999" in shown.stderr) == (1, True, True)
    changed = await mesh("stock", "set", SKU, "--price", "8000", "--fixed", "--status", "sold", "--json")
    told: Any = json.loads(changed.stdout)
    assert (told["price_kes"], told["negotiable"], told["stored_status"]) == (8000, False, "SOLD")
    assert (await mesh("stock", "set", SKU)).exit_code == 2
    assert (await mesh("stock", "set", SKU, "--status", "lost")).exit_code == 2
    unknown = await mesh("stock", "set", "TH-X-999", "--price", "1")
    assert isinstance(unknown.exception, Exception)
    assert complaint(unknown.exception) == "piece TH-X-999 is not there"


async def test_orders_are_listed_shown_and_moved(uow: Uow) -> None:
    code = await order(uow)
    assert code in (await mesh("orders", "list", "--status", "pending")).output
    assert json.loads((await mesh("orders", "list", "--status", "paid", "--json")).stdout) == []
    moved = await mesh("orders", "move", code.lower(), "paid", "--reason", "M-Pesa")
    assert "PAID" in moved.output, moved.exception
    assert "M-Pesa" in (await mesh("orders", "show", code)).output
    refused = await mesh("orders", "move", code, "paid")
    assert isinstance(refused.exception, Exception)
    assert complaint(refused.exception) == "An order that is PAID cannot become PAID"
    locked = await mesh("stock", "set", SKU, "--status", "available")
    assert isinstance(locked.exception, Exception)
    assert complaint(locked.exception) == "An order has this piece; move the order instead"
    async with uow() as tx:
        view = await tx.orders.get(code)
    assert view
    assert view.order.status is OrderStatus.PAID

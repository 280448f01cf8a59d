"""`mesh replies threads|show|take-over|release|reply`: conversations, and a person who speaks in them."""

import sys
from datetime import timedelta

import typer

from mesh.compose import Composition
from mesh.console import age, console, print_json, table
from mesh.operators import me, plain, run
from publishers.admin.desk import there
from publishers.admin.replies.conversations import EVER, plain_text
from publishers.admin.replies.speaking import Speaker
from publishers.admin.replies.talk import ConversationShown, ConversationTruth, shown, truth
from schemas.clock import utc_now
from schemas.replies.records import Handoff
from schemas.replies.window import LONGEST

COLUMNS = ["conversation", "customer", "who answers", "last message", "open for", "sent", "held by"]
_SHORT = 40


def listed(handoff: Handoff | None, *, limit: int, as_json: bool) -> None:
    """Print conversations, the one that a customer wrote to last first."""

    async def read(composition: Composition) -> list[ConversationShown]:
        async with composition.database.uow() as tx:
            return await shown(tx, await tx.threads.listed(limit=limit, handoff=handoff), utc_now())

    found = run("replies", read)
    if as_json:
        print_json([each.model_dump(mode="json") for each in found])
        return
    console.print(table("Conversations", COLUMNS, [_row(each) for each in found]) if found else "No conversations.")


def show(conversation_id: str, *, limit: int, as_json: bool) -> None:
    """Print all of one conversation: what was said, what did not arrive, what was promised."""

    async def read(composition: Composition) -> ConversationTruth:
        async with composition.database.uow() as tx:
            found = there(await tx.threads.get(conversation_id), "conversation", conversation_id)
            return await truth(tx, found, utc_now(), limit=limit, kept=EVER)

    told = run("replies", read)
    if as_json:
        print_json(told.model_dump(mode="json"))
    else:
        _print(told)


def take_over(conversation_id: str, hours: float | None, reason: str) -> None:
    """Silence the bot in a conversation."""
    lasts = timedelta(hours=hours) if hours else None
    thread, cancelled = run("replies", lambda to: _speaker(to).take_over(conversation_id, lasts, reason))
    until = f"until {thread.handoff_until:%m-%d %H:%M} UTC" if thread.handoff_until else "until it is released"
    console.print(f"The bot is silent {until}; {cancelled} of its replies will not be sent.")


def release(conversation_id: str) -> None:
    """Let the bot speak again."""
    run("replies", lambda to: _speaker(to).release(conversation_id))
    console.print("The bot answers from the customer's next message on.")


def reply(conversation_id: str, text: str) -> None:
    """Write to the customer; `-` reads the text from standard input."""
    said = sys.stdin.read() if text == "-" else text
    try:
        said = plain_text(said)
    except ValueError as error:
        raise typer.BadParameter(f"the text {error}") from None
    if len(said) > LONGEST:
        raise typer.BadParameter(f"TikTok takes {LONGEST} characters, this has {len(said)}")
    written = run("replies", lambda to: _speaker(to).reply(conversation_id, said))
    console.print(f"Reply {written.id} is on its way; the bot is silent for a while (`mesh replies release`).")


def _speaker(composition: Composition) -> Speaker:
    handoff = timedelta(hours=composition.settings.replies_handoff_hours)
    return Speaker(composition.database.uow, utc_now, me(), handoff)


def _row(each: ConversationShown) -> tuple[object, ...]:
    now = utc_now()
    left = age(now, each.open_until) if each.open_until and each.is_open else None
    held = plain(each.paused_reason or "", _SHORT) if each.paused_until and each.paused_until > now else None
    return (
        plain(each.conversation_id),
        plain(each.username or each.user_id, _SHORT),
        _who(each),
        age(each.last_inbound_at, now),
        left or "closed",
        each.window_sent_count,
        "the customer: no messages" if each.opted_out_at else held,
    )


def _who(each: ConversationShown) -> str:
    if each.handoff is Handoff.BOT:
        return "bot"
    return f"a person, until {each.handoff_until:%m-%d %H:%M}" if each.handoff_until else "a person"


def _print(told: ConversationTruth) -> None:
    console.print(table("Conversation", COLUMNS, [_row(told.conversation)]))
    for each in told.messages:
        waits = "" if each.is_answered else "  [yellow]not answered[/]"
        meant = f"  [dim]{plain(each.intent)}[/]" if each.intent else ""
        kind = "" if each.kind == "text" else f"[dim]({plain(each.kind)})[/] "
        console.print(f"[dim]{each.at:%m-%d %H:%M:%S}[/] [bold]{each.role}[/] {kind}{plain(each.text)}{meant}{waits}")
    rows = [(each.id, each.state.value, each.kind.value, plain(each.text, _SHORT), plain(each.reason or "") or None)
            for each in told.replies]  # fmt: skip
    if rows:
        console.print(table("Replies that did not arrive", ["reply", "state", "kind", "text", "reason"], rows))
    if told.holds:
        holds = [(each.sku, plain(each.name), f"{each.expires_at:%m-%d %H:%M}") for each in told.holds]
        console.print(table("Kept for the customer", ["sku", "name", "until (UTC)"], holds))
    if told.orders:
        orders = [(each.code, each.status.value, each.total_amount) for each in told.orders]
        console.print(table("Orders", ["code", "status", "KES"], orders))

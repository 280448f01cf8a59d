"""Takes in what a business account said: an echo settles its reply, a person's words hand the conversation over."""

from dataclasses import replace
from datetime import datetime
from functools import partial

from handlers.replies.ledger import Ledger
from handlers.replies.permits import PERSON
from handlers.replies.reception import Notice, Reception
from schemas.replies.messages import SendReplies
from schemas.replies.records import Handoff, ReplyKind, Role, Thread, WebhookState


async def take_echo(ledger: Ledger, notice: Notice) -> str:
    """Store an echo of what was said through the API. It is never answered, and moves no window."""
    if ledger.is_settled(notice):  # TikTok's answer to the call had told already
        ledger.note(notice, WebhookState.DONE)
        return "echo"
    tx, heard = ledger.tx, notice.heard
    settled = await tx.replies.echoed(heard.conversation_id, heard.message_id, heard.text, notice.at, notice.now)
    if settled is None:
        ledger.note(notice, WebhookState.IGNORED, "it is no reply of ours")
        return "ignored"
    if settled.sent_at is not None:
        await tx.chat.brought(settled)
    ledger.note(notice, WebhookState.DONE)
    # What comes after a reply of which nobody knew whether it arrived has waited for this.
    ledger.tell(SendReplies(conversation_id=heard.conversation_id))
    return "echo"


def take_by_hand(ledger: Ledger, notice: Notice, reception: Reception) -> str:
    """Note what a person of the shop said, and keep the bot out of the conversation for a while."""
    thread = ledger.threads[notice.heard.conversation_id]
    if thread.last_inbound_at is None or notice.at >= thread.last_inbound_at:  # TikTok counts whoever writes
        thread = replace(thread, window_sent_count=thread.window_sent_count + 1, updated_at=notice.now)
    taken_over = _taken_over(thread, notice.at + reception.handoff, notice.now)
    after = partial(_leave, ledger, notice) if taken_over is not None else None
    if not ledger.say(notice, Role.OPERATOR, WebhookState.DONE, after=after):
        return "duplicate"
    ledger.change(taken_over or thread)
    return "operator"


async def _leave(ledger: Ledger, notice: Notice, number: int) -> None:  # noqa: ARG001 -- all that follows is told
    """Leave to a person what waits to be answered, and say no more than they do."""
    conversation_id = notice.heard.conversation_id
    await ledger.tx.webhooks.drop(WebhookState.DONE, PERSON, conversation_id=conversation_id)
    await ledger.tx.replies.cancel(conversation_id, notice.now, PERSON, but=(ReplyKind.OPERATOR,))


def _taken_over(thread: Thread, until: datetime, now: datetime) -> Thread | None:
    """Return a conversation in which a person speaks until a moment; None where that is past, or no change.

    TikTok repeats notifications for three days: a person who spoke yesterday does not take over today.
    """
    if until <= now:
        return None
    if thread.handoff is Handoff.HUMAN:
        if thread.handoff_until is None:
            return None
        until = max(until, thread.handoff_until)
    silent = {"answer_at": None, "proposal": None, "proposed_at": None, "menu_shown_at": None}
    return replace(thread, handoff=Handoff.HUMAN, handoff_until=until, updated_at=now, **silent)  # type: ignore[arg-type] # all of them may be None

"""Takes in what a business account said: an echo settles its reply, a person's words hand the conversation over."""

from dataclasses import replace
from datetime import datetime
from typing import Final

from handlers.replies.reception import Notice, Reception
from persistence.uow import Transaction
from schemas.replies.messages import SendReplies
from schemas.replies.records import ChatMessage, Handoff, Role, Thread, WebhookState

#: Where a person writes; whatever speaks for an account through the API is a program.
_BY_HAND: Final = frozenset({"APP", "WEB"})


async def take_echo(tx: Transaction, notice: Notice, reception: Reception) -> str:
    """Store an echo. It is never answered, and moves no window."""
    if notice.heard.source in _BY_HAND:
        return await _by_hand(tx, notice, reception)
    conversation = notice.heard.conversation_id
    thread = await tx.threads.get(conversation, for_update=True)
    if thread is None or thread.business_id != notice.heard.business_id:
        return await notice.ignored(tx, "it is none of our conversations")
    number = await notice.store(tx, WebhookState.DONE)
    if number is None:
        return "duplicate"
    heard = notice.heard
    settled = await tx.replies.echoed(conversation, heard.message_id, heard.text, notice.at, notice.now)
    if settled is None:
        await tx.webhooks.turn(number, WebhookState.IGNORED, "it is no reply of ours")
        return "ignored"
    if settled.sent_at is not None:
        await tx.chat.brought(settled)
    # What comes after a reply of which nobody knew whether it arrived has waited for this.
    await tx.send(SendReplies(conversation_id=conversation))
    return "echo"


async def _by_hand(tx: Transaction, notice: Notice, reception: Reception) -> str:
    """Note what a person of the shop said, and keep the bot out of the conversation for a while."""
    heard = notice.heard
    thread = await tx.threads.opened(notice.new_thread())
    if thread.business_id != heard.business_id:
        return await notice.rejected(tx, "its conversation is another account's")
    number = await notice.store(tx, WebhookState.DONE)
    if number is None:
        return "duplicate"
    said = ChatMessage(
        conversation_id=heard.conversation_id,
        role=Role.OPERATOR,
        provider_ts=notice.at,
        content=heard.text,
        created_at=notice.now,
        kind=heard.type,
        provider_message_id=heard.message_id,
        event_id=number,
    )
    if await tx.chat.add(said) is None:
        await tx.webhooks.turn(number, WebhookState.IGNORED, "the conversation has this message already")
        return "duplicate"
    taken_over = _taken_over(thread, notice.at + reception.handoff, notice.now)
    if taken_over is None:
        return "operator"
    await tx.threads.save(taken_over)
    await tx.webhooks.drop(WebhookState.DONE, "a person answers", conversation_id=thread.conversation_id)
    return "operator"


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

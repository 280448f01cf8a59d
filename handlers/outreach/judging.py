"""What is known of a creator, and what that makes of them: a message, a reason to be left alone, or a while to wait."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import NamedTuple

from brokers.outgoing import Outgoing, outgoing
from handlers.outreach.decision import HISTORY, Chat, Past, decide
from handlers.outreach.handing import STRATEGY
from handlers.outreach.texts import NoTextError, messages_of
from persistence.creators import Shown
from persistence.uow import Transaction
from schemas.chatbot.messages import SendChatMessages, contact_key
from schemas.identity import creator_id
from schemas.outreach.crawling import region_of
from schemas.outreach.records import Contact, ContactState, Decision, OutreachTask, Strategy

#: States in which a creator was, or may have been, written to; and in which somebody is about to.
_WRITTEN = frozenset({ContactState.SENT, ContactState.UNCERTAIN})
_TAKEN = _WRITTEN | {ContactState.QUEUED}
_TWIN = "this task wrote to them under another id"


class Known(NamedTuple):
    """What is known of some creators: all tasks' contacts of theirs, what their chats showed, whom we reached."""

    contacts: list[Contact]
    shown: Mapping[tuple[str, str], Shown]
    reached: Collection[str]


async def known_of(tx: Transaction, waiting: Sequence[Contact]) -> Known:
    """Return what is known of creators who go by the ids or usernames of contacts; the latest contacts first."""
    usernames = {each.username_key for each in waiting if each.username_key}
    ids = {each.platform_creator_id for each in waiting}
    contacts = await tx.contacts.known(ids, usernames)
    contacts.sort(key=lambda each: each.sent_at or each.updated_at, reverse=True)
    shown = await tx.creators.shown([creator_id(each.platform, each.platform_creator_id) for each in waiting])
    return Known(contacts, shown, await tx.deliveries.reached(ids))


def judged(task: OutreachTask, contact: Contact, known: Known, now: datetime) -> tuple[Contact, Outgoing | None] | None:
    """Return a contact as decided, with its message if there is one; None while another task writes to the creator."""
    of_person = [each for each in known.contacts if each.id != contact.id and _is_same_person(contact, each)]
    history = [each for each in of_person if each.task_id != task.id]
    if any(each.state is ContactState.QUEUED for each in history):
        return None
    if any(each.task_id == task.id and each.state in _TAKEN for each in of_person):
        return _skipped(contact, _TWIN, now), None
    return _decided(task, contact, _chat(contact, known, history), history, now)


def _is_same_person(one: Contact, other: Contact) -> bool:
    if one.platform != other.platform:
        return False
    is_same_name = one.username_key is not None and one.username_key == other.username_key
    return one.platform_creator_id == other.platform_creator_id or is_same_name


def _chat(contact: Contact, known: Known, history: Iterable[Contact]) -> Chat:
    """Return what the creator's chat shows: what came with the creator, and what crawls and senders saw before."""
    seen = known.shown.get((contact.platform, contact.platform_creator_id), Shown(connected=False, replied=False))
    replied = contact.replied or seen.replied or any(each.replied for each in history)
    connected = contact.connected or seen.connected or contact.platform_creator_id in known.reached
    return Chat(connected=connected or replied, replied=replied)


def _skipped(contact: Contact, reason: str, now: datetime) -> Contact:
    return replace(
        contact,
        state=ContactState.SKIPPED,
        decision=Decision.SKIP,
        reason=reason,
        decided_at=now,
        updated_at=now,
        woken_until=None,
    )


def _decided(
    task: OutreachTask, contact: Contact, chat: Chat, history: Collection[Contact], now: datetime
) -> tuple[Contact, Outgoing | None]:
    written = [each for each in history if each.state in _WRITTEN][:HISTORY]
    # What a crash hid may stand in the chat: taken for sent, nobody is written to twice.
    past = [
        Past(each.connected or each.state is ContactState.UNCERTAIN, replied=each.replied, brand=each.brand)
        for each in written
    ]
    brand = task.brand or contact.brand
    strategy = task.message_send_strategy or (contact.metadata or {}).get(STRATEGY, Strategy.NORMAL)
    verdict = decide(strategy, brand, past, chat)
    contact = replace(
        contact,
        decision=verdict.decision,
        reason=verdict.reason,
        brand=brand,
        connected=chat.connected,
        replied=chat.replied,
        decided_at=now,
        updated_at=now,
        woken_until=None,
    )
    if verdict.decision is Decision.SKIP:
        return replace(contact, state=ContactState.SKIPPED), None
    try:
        messages = messages_of(task, contact, verdict.decision)
    except NoTextError as error:
        return replace(contact, state=ContactState.FAILED, reason=str(error)), None
    key = contact_key(task.id, contact.platform_creator_id)
    return replace(contact, state=ContactState.QUEUED, task_key=key), _chat_task(task, contact, key, messages)


def _chat_task(task: OutreachTask, contact: Contact, key: str, messages: Sequence[Mapping[str, object]]) -> Outgoing:
    told = {
        "platformCreatorId": contact.platform_creator_id,
        "platformCreatorUsername": contact.username_key,
        "region": region_of(contact.region or task.region),
        "accountName": contact.account_name,
        "outreachTaskId": task.id,
        "messages": messages,
    }
    batch = SendChatMessages.model_validate([told])
    return outgoing(batch, message_id=key.lower())

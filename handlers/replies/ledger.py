"""What a group of notifications is judged by, read with few statements, and what they change, written with few."""

from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final

from brokers.outgoing import outgoing
from handlers.replies.at_once import AtOnce, at_once
from handlers.replies.composing import Answers, Composed
from handlers.replies.reception import Notice
from persistence.uow import Transaction
from schemas.replies.messages import AnswerThread, SendReplies
from schemas.replies.records import ChatMessage, Role, Thread, User, WebhookEvent, WebhookState
from schemas.replies.tiktok import Kind

#: A customer's messages are counted over that.
MINUTE: Final = timedelta(minutes=1)
#: Sending begins within that; a wake-up that found nobody is repeated after it.
_AWAKE_TO_SEND: Final = timedelta(seconds=30)
_KNOWN: Final = "the conversation has this message already"

#: What is done once a notification is stored, with its number.
After = Callable[[int], Awaitable[None]]


@dataclass(slots=True)
class Ledger:
    """Conversations, locked, with their customers and what is known of both; what is noted is written at the end.

    With `answers`, what can be is answered as it is written.
    """

    tx: Transaction
    answers: Answers | None = None
    threads: dict[str, Thread] = field(default_factory=dict)
    users: dict[str, User] = field(default_factory=dict)
    _stored: set[str] = field(default_factory=set)
    _said: set[tuple[str, str]] = field(default_factory=set)
    _settled: set[tuple[str, str]] = field(default_factory=set)
    _wrote: dict[str, list[datetime]] = field(default_factory=lambda: defaultdict(list))
    _entries: list["_Entry"] = field(default_factory=list)
    _changed: dict[str, Thread] = field(default_factory=dict)
    _woken: dict[str, datetime] = field(default_factory=dict)
    _resting: dict[str, Thread] = field(default_factory=dict)
    _asked: Counter[str] = field(default_factory=Counter)
    _told: list[SendReplies] = field(default_factory=list)

    async def read(self, notices: Sequence[Notice]) -> None:
        """Open the conversations of a group, lock them, and read what its notifications are judged by."""
        tx, talk = self.tx, [each for each in notices if each.reason is None and each.heard.conversation_id]
        opening = {each.heard.conversation_id: each.new_thread() for each in reversed(talk) if each.opens}
        others = {each.heard.conversation_id for each in talk if each.heard.kind is Kind.ECHO}
        if opening or others:
            self.threads = await tx.threads.opened_all(list(opening.values()), *others)
        self._stored = await tx.webhooks.known([each.said.dedup_key for each in notices])
        new = [each for each in talk if each.said.dedup_key not in self._stored and self.is_ours(each)]
        if saying := [each for each in new if each.opens]:
            self._said = await tx.chat.known(*_named(saying))
        if echoing := [each for each in new if each.heard.kind is Kind.ECHO and not each.opens]:
            self._settled = await tx.replies.settled(*_named(echoing))
        await self._read_customers([each for each in new if each.heard.kind is Kind.MESSAGE])

    def is_ours(self, notice: Notice) -> bool:
        """Tell whether a notification's conversation is known, and its account's."""
        thread = self.threads.get(notice.heard.conversation_id)
        return thread is not None and thread.business_id == notice.heard.business_id

    def is_repeat(self, notice: Notice) -> bool:
        """Tell whether a notification came before, in this group or in one before; it has come now."""
        if notice.said.dedup_key in self._stored:
            return True
        self._stored.add(notice.said.dedup_key)
        return False

    def is_settled(self, notice: Notice) -> bool:
        """Tell whether an echo tells of a reply that is known to be sent."""
        return (notice.heard.conversation_id, notice.heard.message_id) in self._settled

    def lately(self, user_id: str, at: datetime) -> int:
        """Return how many messages a customer wrote in the minute before a moment, without those that were ignored."""
        return sum(at - MINUTE < each <= at for each in self._wrote[user_id])

    def note(self, notice: Notice, state: WebhookState, reason: str | None = None, after: After | None = None) -> None:
        """Have a notification stored."""
        self._entries.append(_Entry(notice, state, reason, after))

    def say(
        self, notice: Notice, role: Role, state: WebhookState, reason: str | None = None, after: After | None = None
    ) -> bool:
        """Have a notification stored with what was said; false where the conversation has that already."""
        heard = notice.heard
        said = heard.conversation_id, heard.message_id
        if said in self._said:
            self.note(notice, WebhookState.IGNORED, _KNOWN)
            return False
        self._said.add(said)
        self._entries.append(_Entry(notice, state, reason, after, role))
        if role is Role.USER and state is not WebhookState.IGNORED:
            self._wrote[heard.user_id].append(notice.at)
        return True

    def change(self, thread: Thread, *, woken: datetime | None = None) -> None:
        """Have a conversation written, and noted as woken until a moment."""
        self.threads[thread.conversation_id] = self._changed[thread.conversation_id] = thread
        if woken is not None:
            self._woken[thread.conversation_id] = woken

    def ask(self, thread: Thread, due: datetime, *, awake_until: datetime) -> None:
        """Have a conversation answered now: with all of this, if it was at rest and can be, or by whoever is woken."""
        if thread.answer_at is None:
            self._resting[thread.conversation_id] = thread
        self._asked[thread.conversation_id] += 1
        self.change(replace(thread, answer_at=due), woken=awake_until)

    def wait(self, thread: Thread) -> None:
        """Have a conversation written in which more waits than can be answered at once."""
        if thread.conversation_id in self._asked:
            self._asked[thread.conversation_id] += 1
        self.change(thread)

    def tell(self, message: SendReplies) -> None:
        """Have something said once all of this has committed."""
        self._told.append(message)

    async def write(self) -> None:
        """Write down what was noted, and answer what can be answered at once."""
        tx, entries = self.tx, self._entries
        at_rest = [self._at_once(each) for each in entries]
        events = [each.event(is_answered=each_at is not None) for each, each_at in zip(entries, at_rest, strict=True)]
        events = _numbered(events, await tx.webhooks.add_all(events))
        made = [
            await each_at.answered(tx, event, self.answers) if each_at is not None and self.answers else None
            for each_at, event in zip(at_rest, events, strict=True)
        ]
        sent = await self._answered([each for each in made if each is not None])
        said = [
            each.message(event, sent.get(event.conversation_id or "") if answer is not None else None)
            for each, event, answer in zip(entries, events, made, strict=True)
            if each.role is not None
        ]
        spoken = [each.spoken(sent[each.thread.conversation_id]) for each in made if each is not None and each.reply]
        await tx.chat.add_all([*said, *spoken])
        now = entries[0].notice.now if entries else None
        woken_to_send = dict.fromkeys(sent, now + _AWAKE_TO_SEND) if now else {}
        await tx.threads.save_all(list(self._changed.values()), self._woken, woken_to_send)
        for each, event in zip(entries, events, strict=True):
            if each.after is not None and event.id is not None:
                await each.after(event.id)
        woken = [AnswerThread(conversation_id=name) for name in self._asked if name in self._woken]
        await self._say([*woken, *(SendReplies(conversation_id=name) for name in sent), *self._told])

    async def _say(self, messages: Sequence[AnswerThread | SendReplies]) -> None:
        """Say what follows, as part of the business of the last notification of its conversation."""
        notices = [each.notice for each in self._entries]
        of = {each.heard.conversation_id: each.correlation_id or each.message_id or None for each in notices}
        await self.tx.send_all([outgoing(each, correlation_id=of.get(each.conversation_id)) for each in messages])

    def _at_once(self, entry: "_Entry") -> AtOnce | None:
        """Return a message that can be answered now; it is the only one that waits in its conversation."""
        name = entry.notice.heard.conversation_id
        is_alone = entry.state is WebhookState.RECEIVED and self._asked[name] == 1 and name in self._resting
        if self.answers is None or not is_alone:
            return None
        return at_once(self._resting[name], entry.message(None, None), self.answers)

    async def _answered(self, made: Sequence[Composed]) -> dict[str, int]:
        """Store answers; return the number of each by its conversation."""
        for each in made:
            name = each.thread.conversation_id
            self._woken.pop(name, None)
            known = self.threads[name]  # more may have come in this group that is not answered
            moved = replace(each.thread, last_inbound_at=known.last_inbound_at)
            self.change(replace(moved, answer_at=None, window_sent_count=known.window_sent_count))
            each.count()
        replies = [each.reply for each in made if each.reply is not None]
        numbers = await self.tx.replies.answer_all(replies)
        return {each.conversation_id: number for each, number in zip(replies, numbers, strict=True)}

    async def _read_customers(self, messages: Sequence[Notice]) -> None:
        if not messages:
            return
        seen = sorted((each.customer() for each in messages), key=lambda each: each.last_interaction_at)
        await self.tx.people.seen(seen)
        moments = [each.at for each in messages]
        self.users = await self.tx.people.locked([each.tiktok_id for each in seen])
        lately = await self.tx.webhooks.wrote(list(self.users), since=min(moments) - MINUTE, until=max(moments))
        for user_id, at in lately:
            self._wrote[user_id].append(at)

    def opted(self, user_id: str, out_at: datetime | None) -> None:
        """Note what a customer wants from now on."""
        self.users[user_id] = replace(self.users[user_id], opted_out_at=out_at)


@dataclass(frozen=True, slots=True)
class _Entry:
    """A notification to be stored; with a `role`, what was said is stored with it."""

    notice: Notice
    state: WebhookState
    reason: str | None
    after: After | None = None
    role: Role | None = None

    def event(self, *, is_answered: bool) -> WebhookEvent:
        """Return the notification as it is stored; one that is answered with that was tried once."""
        if is_answered:
            return replace(self.notice.event(WebhookState.DONE), attempts=1)
        return self.notice.event(self.state, self.reason)

    def message(self, event: WebhookEvent | None, reply_id: int | None) -> ChatMessage:
        """Return what was said, and which reply answers it."""
        assert self.role
        heard = self.notice.heard
        return ChatMessage(
            conversation_id=heard.conversation_id,
            role=self.role,
            provider_ts=self.notice.at,
            content=heard.text,
            created_at=self.notice.now,
            kind=heard.type,
            provider_message_id=heard.message_id,
            button_id=(heard.button_id or None) if self.role is Role.USER else None,
            event_id=event.id if event else None,
            reply_id=reply_id,
        )


def _named(notices: Collection[Notice]) -> tuple[list[str], list[str]]:
    return [each.heard.conversation_id for each in notices], [each.heard.message_id for each in notices]


def _numbered(events: Sequence[WebhookEvent], numbers: Sequence[int]) -> list[WebhookEvent]:
    return [replace(each, id=number) for each, number in zip(events, numbers, strict=True)]

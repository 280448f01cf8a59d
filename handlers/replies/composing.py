"""What is said to what was asked, as it will be stored: read by somebody, worded by code, nothing of it written yet."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from adapters.replies.deciding import Away, Decider, Question
from adapters.replies.local import Local
from brokers import metrics
from handlers.replies.acting import act, act_on_guess
from handlers.replies.facts import opening_of
from handlers.replies.scene import Policy, Said, Scene
from handlers.replies.turns import Asked
from handlers.replies.wording import HARD
from schemas.replies.intents import Guess, Intent, guess
from schemas.replies.records import ChatMessage, Handoff, Reply, ReplyKind, Role, Thread, WebhookEvent
from schemas.replies.window import WINDOW


@dataclass
class Answers:
    """What answering needs besides the database: the shop's rules and who reads messages.

    Without a `model`, or while it is away, `local` reads. `seed` makes customers' pseudonyms ours alone.
    """

    model: Decider | None = None
    local: Decider = field(default_factory=Local)
    policy: Policy = field(default_factory=Policy)
    debounce: timedelta = timedelta(seconds=2)
    context_messages: int = 10
    links: Collection[str] = ()
    seed: bytes = b""


@dataclass(frozen=True, slots=True)
class Reading:
    """What somebody takes a message to mean, and who: a decider's name and its prompts."""

    guess: Guess
    by: str
    version: str | None = None
    is_fallback: bool = False


@dataclass(frozen=True, slots=True)
class Composed:
    """An answer, if anything is said, and the conversation after it."""

    reply: Reply | None
    thread: Thread
    provider_ts: datetime

    def spoken(self, number: int) -> ChatMessage:
        """Return the stored answer as it stands among what was said."""
        assert self.reply
        return ChatMessage(
            conversation_id=self.reply.conversation_id,
            role=Role.ASSISTANT,
            provider_ts=self.provider_ts,
            content=self.reply.body,
            created_at=self.reply.created_at,
            intent=self.reply.intent,
            reply_id=number,
        )

    def count(self) -> None:
        """Count an answer that was given."""
        if self.reply is not None:
            metrics.replies_answers.labels(self.reply.intent or "none", self.reply.decided_by or "none").inc()


async def read_here(answers: Answers, text: str, *, is_fallback: bool = False) -> Reading:
    """Have a message read by the local reader."""
    read = await answers.local.classify(Question(text, ""))
    guessed = guess(Intent.OTHER, 0) if isinstance(read, Away) else read
    return Reading(guessed, answers.local.name, answers.local.version, is_fallback=is_fallback)


async def composed(
    scene: Scene, events: Sequence[WebhookEvent], turns: Sequence[Asked], readings: Sequence[Reading], answers: Answers
) -> Composed:
    """Return the answer to what events ask, with everything that it promises done in the scene's transaction."""
    thread, now = scene.thread, scene.now
    said, by = await _worded(scene, turns, list(readings), answers)
    reply = _reply(thread, now, events, said, by) if said else None
    # Never before what it answers, whosever clock is ahead.
    at = max([now, *(each.provider_ts for each in events if each.provider_ts)])
    return Composed(reply, _after(thread, said, now, answers), at)


async def _worded(
    scene: Scene, turns: Sequence[Asked], readings: list[Reading], answers: Answers
) -> tuple[list[Said], Reading | None]:
    """Return what is said to each thing that was asked, and the last reading that any of it rests on."""
    told: list[Said] = []
    by: Reading | None = None
    for turn in turns:
        if turn.routed is not None:
            said = await act(scene, turn.routed)
        else:
            by = readings.pop(0)
            said = await act_on_guess(scene, by.guess, turn.text, is_fallback=by.is_fallback)
            said = _opened(said, by, answers)
        if said is not None and all(said.body != each.body for each in told):
            told.append(said)
        if said is not None and said.kind is ReplyKind.HANDOVER:
            break
    return told, by


def _opened(said: Said, by: Reading, answers: Answers) -> Said:
    """Return an answer behind the model's own sentence, if that says nothing that only code may say."""
    instructions = answers.model.instructions if answers.model else ""
    opening = opening_of(by.guess.opening, instructions, answers.links)
    return replace(said, body=f"{opening} {said.body}") if opening else said


def _reply(
    thread: Thread, now: datetime, events: Sequence[WebhookEvent], said: Sequence[Said], by: Reading | None
) -> Reply:
    last = said[-1]
    return Reply(
        conversation_id=thread.conversation_id,
        business_id=thread.business_id,
        kind=last.kind,
        body="\n".join(each.body for each in said)[:HARD],
        not_before=now,
        expires_at=(thread.last_inbound_at or now) + WINDOW,
        created_at=now,
        updated_at=now,
        reply_to_event=events[-1].id,
        intent=last.intent,
        decided_by=by.by if by else "router",
        prompt_version=by.version if by else None,
    )


def _after(thread: Thread, said: Sequence[Said], now: datetime, answers: Answers) -> Thread:
    """Return the conversation after an answer: the menu and an offer are open only while they are the last word."""
    if not said:
        return replace(thread, updated_at=now)
    last = said[-1]
    thread = replace(
        thread,
        menu_shown_at=now if last.shows_menu else None,
        proposal=last.proposal,
        proposed_at=now if last.proposal else None,
        answered_at=now,
        updated_at=now,
    )
    if any(each.kind is ReplyKind.NOTICE for each in said):
        thread = replace(thread, noticed_at=now)
    if last.kind is ReplyKind.HANDOVER:
        thread = replace(thread, handoff=Handoff.HUMAN, handoff_until=now + answers.policy.handoff)
    return thread

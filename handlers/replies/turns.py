"""What is to be answered: the messages of a burst, each read for certain or left to be guessed at together. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from handlers.replies.router import LONGEST, Routed, is_wordless, route
from schemas.replies.intents import Intent
from schemas.replies.records import ChatMessage, Thread
from schemas.replies.words import clean

#: Nobody reads more answers in one message, so of more only the newest are looked at.
MOST: Final = 5


@dataclass(frozen=True, slots=True)
class Asked:
    """One thing that a customer asks, in one message or in several; `routed` is None where it must be guessed."""

    text: str
    messages: tuple[ChatMessage, ...]
    routed: Routed | None


def asked(said: Sequence[ChatMessage], thread: Thread, now: datetime) -> list[Asked]:
    """Return what messages ask, in order: words that mean something for certain stand alone, others belong together."""
    turns: list[Asked] = []
    for message in said:
        text = clean(message.content)[:LONGEST]
        routed = route(text, message.button_id, thread, now)
        # The menu and an offer are the bot's last word for the first of several messages alone.
        thread = replace(thread, proposal=None) if routed else thread
        if routed is None and (message.kind != "text" or is_wordless(text)):
            routed = Routed(Intent.WORDLESS)
        last = turns[-1] if turns else None
        if routed is None and last and last.routed is None:
            turns[-1] = Asked(f"{last.text}\n{text}"[-LONGEST:], (*last.messages, message), None)
        elif not (routed and last and last.routed == routed):
            turns.append(Asked(text, (message,), routed))
    words = [each for each in turns if each.routed is None or each.routed.intent is not Intent.WORDLESS]
    return (words or turns)[-MOST:]

"""What is written to a creator: the text of a task, or of what came with the creator, and the product cards."""

import json
import re
from collections.abc import Mapping
from typing import Any

from schemas.chatbot.messages import MAX_CONTENT, MAX_MESSAGES
from schemas.outreach.records import Contact, Decision, OutreachTask
from schemas.outreach.tasks import products

#: The type of a chat message that is a card of a product; its content is the product's id.
PRODUCT_CARD = "product_card"
_QUOTES = "\"'“”„«»\u2018\u2019"
_GAP = re.compile(r"\n(?:[ \t]*\n){2,}")


class NoTextError(ValueError):
    """A contact has nothing to say, or more than a chat takes; the text says which."""


def messages_of(task: OutreachTask, contact: Contact, decision: Decision) -> list[dict[str, Any]]:
    """Return the chat messages of a decision; raises NoTextError."""
    metadata = contact.metadata or {}
    texts = {
        Decision.FIRST: text_of(task.first_message) or _told(metadata, "first"),
        Decision.LATER: text_of(task.second_message) or _told(metadata, "later"),
    }
    text = texts[decision] or (texts[Decision.FIRST] if decision is Decision.LATER else None)
    if not text:
        raise NoTextError(f"the task has no text for a {decision} message")
    if len(text) > MAX_CONTENT:
        raise NoTextError(f"the text is longer than {MAX_CONTENT} characters")
    cards = [{"type": PRODUCT_CARD, "content": product} for product in _products(task, metadata)]
    return [{"type": "text", "content": text}, *cards[: MAX_MESSAGES - 1]]


def text_of(stored: str | None) -> str | None:
    """Return the text of a stored message: the subject without its quotes, a blank line, the body."""
    if not stored:
        return None
    try:
        told = json.loads(stored)
    except ValueError:
        told = stored  # Somebody else wrote it, as plain text.
    return _joined(told)


def _joined(told: Any) -> str | None:
    if isinstance(told, str):
        return _tidy(told) or None
    if not isinstance(told, Mapping):
        return None
    subject = _tidy(str(told.get("subject") or "")).strip(_QUOTES).strip()
    body = next((str(told[name]) for name in ("body", "email_body", "emailBody", "content") if told.get(name)), "")
    return _tidy("\n\n".join(part for part in (subject, _tidy(body)) if part)) or None


def _tidy(text: str) -> str:
    return _GAP.sub("\n\n", text.replace("\r\n", "\n")).strip()


def _told(metadata: Mapping[str, Any], which: str) -> str | None:
    camel = which.capitalize()
    for name in (f"email_{which}", f"email{camel}", f"email_{which}_body", f"email{camel}Body"):
        if text := _joined(metadata.get(name)):
            return text
    return None


def _products(task: OutreachTask, metadata: Mapping[str, Any]) -> list[str]:
    listed = task.product_list or metadata.get("product_list") or metadata.get("productList") or []
    try:
        return list(dict.fromkeys(products(listed)))
    except ValueError:
        return []  # What came with a creator is no list; the text is worth more than its cards.

"""Reads what TikTok's webhook brings: any bytes become one value, which says what they are and never raises.

The envelope and the messages are documented at https://business-api.tiktok.com/portal/docs and
https://developers.tiktok.com/doc/webhooks-overview. Numbers are kept as the text that they were written as, since ids
have 64 bits and more; of a key that occurs twice the last counts.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from hashlib import sha256
from typing import Any, Final

#: What the columns hold.
LONGEST_ID: Final = 255
#: TikTok's own limit of a text: https://business-api.tiktok.com/portal/docs
LONGEST_TEXT: Final = 6000
#: Seconds since 1970 have ten digits until 2286, and milliseconds have had twelve since 1973.
_LEAST_MILLISECONDS: Final = 100_000_000_000
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_BUSINESS: Final = "business_account"


class Kind(StrEnum):
    """What a notification is about.

    `UNREADABLE` cannot be acted on, `problem` says why. `OTHER` is true and none of our business.
    """

    MESSAGE = "message"
    OWN = "own"
    ECHO = "echo"
    READ = "read"
    STRIPPED = "stripped"
    REMOVED = "removed"
    OTHER = "other"
    UNREADABLE = "unreadable"


@dataclass(frozen=True, slots=True, kw_only=True)
class Inbound:
    """One notification. Ids that it does not name are empty.

    `user_id` is always the customer, whoever wrote. `type` is TikTok's: text, image, sticker… `source` of an echo is
    API, APP or WEB. `identity` is what makes two notifications the same.
    """

    kind: Kind
    identity: tuple[str, ...]
    event: str = ""
    client_key: str = ""
    business_id: str = ""
    conversation_id: str = ""
    message_id: str = ""
    user_id: str = ""
    username: str = ""
    provider_ts: datetime | None = None
    type: str = "text"
    text: str = ""
    button_id: str = ""
    source: str = ""
    referenced_id: str = ""
    problem: str = ""
    is_legacy: bool = False

    @property
    def dedup_key(self) -> str:
        """The hex SHA-256 of the identity."""
        return sha256(json.dumps(self.identity).encode()).hexdigest()


def read(raw: bytes) -> Inbound:
    """Return what a body says."""
    try:
        body = _parsed(raw.decode("utf-8-sig"))
    except (ValueError, RecursionError):
        return _unreadable(raw, "it is not JSON")
    if not isinstance(body, dict):
        return _unreadable(raw, "it is not an object")
    found = _read(body)
    if not all(found.identity):
        found = replace(found, identity=("body", sha256(raw).hexdigest()))
    return _fitting(found)


def _read(body: dict[str, Any]) -> Inbound:
    if "content" not in body and ("data" in body or "entry" in body):
        return _legacy(body)
    event = _text(body.get("event"))
    envelope = Inbound(
        kind=_KINDS.get(event, Kind.OTHER),
        identity=(),
        event=event,
        client_key=_text(body.get("client_key")),
        business_id=_text(body.get("user_openid")),
        provider_ts=_moment(body.get("create_time")),
    )
    content = _object(body.get("content"))
    if envelope.kind not in {Kind.MESSAGE, Kind.ECHO, Kind.READ}:
        told = (envelope.event, envelope.client_key, envelope.business_id, _text(body.get("create_time")))
        return replace(envelope, identity=(*told, json.dumps(body.get("content"), sort_keys=True)))
    if content is None:
        return replace(envelope, kind=Kind.UNREADABLE, problem="its content is not JSON")
    return _message(envelope, content)


def _message(envelope: Inbound, content: Mapping[str, Any]) -> Inbound:
    """Return a message of a conversation, whoever wrote it."""
    is_echo = envelope.kind is Kind.ECHO
    writer, reader = _inner(content, "from_user"), _inner(content, "to_user")
    customer = reader if is_echo else writer
    conversation_id, message_id = _text(content.get("conversation_id")), _text(content.get("message_id"))
    found = replace(
        envelope,
        business_id=envelope.business_id or _text((writer if is_echo else reader).get("id")),
        conversation_id=conversation_id,
        message_id=message_id,
        user_id=_text(customer.get("id")) or _text(content.get("unique_identifier")),
        username=_text(content.get("to" if is_echo else "from")),
        provider_ts=_moment(content.get("timestamp")) or envelope.provider_ts,
        type=_text(content.get("type")) or "text",
        text=_body_of(content.get("text")),
        button_id=_text(_inner(content, "reply_source_payload").get("reply_source_unique_id")),
        source=_text(_inner(content, "message_tag").get("source")).upper(),
        referenced_id=_text(_inner(content, "referenced_message_info").get("referenced_message_id")),
    )
    # The account is part of what it is: a stranger's notification must not stand for one of ours.
    identity: tuple[str, ...] = (
        found.event,
        found.client_key or "-",
        found.business_id or "-",
        conversation_id,
        message_id,
    )
    if found.kind is Kind.READ:
        identity = (*identity, _text(_inner(content, "read").get("last_read_timestamp")) or "-")
    is_own = found.kind is Kind.MESSAGE and (
        _text(writer.get("role")).lower() == _BUSINESS or (found.user_id and found.user_id == found.business_id)
    )
    return replace(found, identity=identity, kind=Kind.OWN if is_own else found.kind)


def _legacy(body: Mapping[str, Any]) -> Inbound:
    """Return a message in the shape that was understood before TikTok's own; it names no conversation.

    Where it does not, the customer is the conversation, as then: one of each.
    """
    data = _inner(body, "data")
    said = _inner(data, "message")
    value = _first_value(body.get("entry"))
    user_id = _text(data.get("sender_id")) or _text(said.get("from_user_id")) or _text(value.get("sender"))
    texts = [said.get("content"), said.get("text"), said.get("body"), value.get("text")]
    event, message_id = _text(body.get("event")), _text(body.get("event_id"))
    conversation_id = _text(said.get("conversation_id")) or _text(data.get("conversation_id")) or user_id
    is_message = event in {"message.received", ""}
    return Inbound(
        kind=Kind.MESSAGE if is_message else Kind.OTHER,
        identity=("legacy", event or "-", message_id, user_id or "-"),
        event=event,
        business_id=_text(data.get("business_id")),
        conversation_id=conversation_id if is_message else "",
        message_id=message_id,
        user_id=user_id,
        provider_ts=_moment(body.get("timestamp")),
        text=next((_body_of(each) for each in texts if each is not None), ""),
        is_legacy=True,
    )


def _fitting(found: Inbound) -> Inbound:
    """Return a notification whose ids fit their columns, and one that is acted on with all that acting needs."""
    problem = found.problem
    for name in ("business_id", "conversation_id", "message_id", "user_id"):
        value: str = getattr(found, name)
        if len(value) > LONGEST_ID or not value.isprintable():
            problem = problem or f"its {name} does not fit"
            found = replace(found, **{name: ""})  # type: ignore[arg-type] # the names are of texts
    if not problem and found.kind in {Kind.MESSAGE, Kind.ECHO}:
        needed = {"conversation": found.conversation_id, "message": found.message_id, "customer": found.user_id}
        problem = next((f"it names no {what}" for what, value in needed.items() if not value), "")
    return replace(found, kind=Kind.UNREADABLE, problem=problem) if problem else found


def _unreadable(raw: bytes, problem: str) -> Inbound:
    return Inbound(kind=Kind.UNREADABLE, identity=("body", sha256(raw).hexdigest()), problem=problem)


def _parsed(text: str) -> Any:
    return json.loads(text, parse_int=str, parse_float=str, parse_constant=_refused)


def _refused(constant: str) -> Any:
    raise ValueError(f"{constant} is not JSON")


def _object(value: Any) -> dict[str, Any] | None:
    """Return an object that is given as such, or as JSON within a text."""
    if isinstance(value, str):
        try:
            value = _parsed(value)
        except (ValueError, RecursionError):
            return None
    return value if isinstance(value, dict) else None


def _inner(outer: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    value = outer.get(name)
    return value if isinstance(value, dict) else {}


def _first_value(entries: Any) -> Mapping[str, Any]:
    for name in ("changes", "value"):
        first = entries[0] if isinstance(entries, list) and entries else None
        found = first.get(name) if isinstance(first, dict) else None
        if name == "value":
            return found if isinstance(found, dict) else {}
        entries = found
    return {}


def _body_of(value: Any) -> str:
    """Return a text that is given as such, or as an object with a body."""
    return _text(value.get("body") if isinstance(value, dict) else value)[:LONGEST_TEXT]


def _text(value: Any) -> str:
    """Return a text or a number as text; half of a surrogate pair, which no database stores, as a question mark."""
    return value.encode(errors="replace").decode() if isinstance(value, str) else ""


def _moment(value: Any) -> datetime | None:
    """Return an epoch time, given in seconds or milliseconds."""
    try:
        number = int(float(_text(value)))
        at = _EPOCH + timedelta(milliseconds=number if number >= _LEAST_MILLISECONDS else number * 1000)
    except (ValueError, OverflowError):
        return None
    return at if number > 0 else None


_KINDS: Final = {
    "im_receive_msg": Kind.MESSAGE,
    "im_send_msg": Kind.ECHO,
    "im_mark_read_msg": Kind.READ,
    "im_receive_msg_eu": Kind.STRIPPED,
    "authorization.removed": Kind.REMOVED,
}

"""What analytics and engagement platforms are told of an event: who did it, its properties, and under which id.

Personal data is not a property. A platform gets what it knows a person by, and what a mapping's `fields` name.
"""

import re
from base64 import b64encode
from collections.abc import Mapping
from hashlib import sha256
from typing import Any

import phonenumbers

from adapters.relay.hashing import e164, is_hashed
from adapters.relay.mapping import fields_of
from adapters.relay.people import ALIASES, person, told
from adapters.relay.port import Account, RelayEvent

#: Braze takes no longer name of a property, nor one that begins with $, which Mixpanel keeps for itself.
_NAME_LENGTH = 255
#: Mixpanel cuts there; an id that is cut is somebody else's.
_ID_LENGTH = 255
_ADDRESS = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
#: Lists of what was bought, under the names that producers use; the first that is there is taken.
_ITEMS = ("items", "products", "contents")
#: Said by other means than a property.
_NOT_PROPERTIES = frozenset(
    {
        "anonymous_id",
        "client_id",
        "consent",
        "currency",
        "device_id",
        "event_id",
        "event_name",
        "event_time",
        "order_revenue",
        "storefront_id",
        "timestamp_micros",
        "user_data",
        "value",
        *_ITEMS,
    }
)
_PERSONAL = frozenset(name for names in ALIASES.values() for name in names)
#: What producers write when they know nobody; platforms refuse these, or make one busy person of them. Sources:
#: https://docs.mixpanel.com/reference/import-events, https://amplitude.com/docs/data/sources/instrument-track-unique-users.
_NOBODY = frozenset(
    {
        "-1",
        "0",
        "00000000-0000-0000-0000-000000000000",
        "anon",
        "anonymous",
        "false",
        "lmy47d",
        "n/a",
        "na",
        "nil",
        "none",
        "null",
        "true",
        "undefined",
        "unknown",
    }
)


def user(event: RelayEvent) -> str | None:
    """Return the producer's own id of a person, or None where it has none or a placeholder."""
    return _somebody(person(event).get("external_id"))


def visitor(event: RelayEvent) -> str:
    """Return whose event it is where nobody is signed in: the tag's id, else one made of what is known.

    It is the same on every attempt, tells nothing of the person, and is never one that all share.
    """
    for name in ("anonymous_id", "device_id", "client_id", "session_id"):
        if known := _somebody(told(event, name)):
            return known
    who = person(event).get("email") or person(event).get("phone") or event.event_id
    return sha256(f"{event.storefront_code}:{str(who).strip().lower()}".encode()).hexdigest()[:32]


def repeat_id(event: RelayEvent, longest: int) -> str:
    """Return what a platform recognises a repeat by: the downstream id, or its digest where it is too long."""
    known = event.downstream_id
    return known if len(known) <= longest else sha256(known.encode()).hexdigest()[:longest]


def properties(event: RelayEvent, mapping: Mapping[str, Any], *, most: int, longest: int) -> dict[str, Any]:
    """Return up to `most` properties: money and shop, what was bought, then whatever else is plain; texts are cut.

    What is nested is left out, since nobody can tell what of it is personal.
    """
    found: dict[str, Any] = {"storefront_id": event.storefront_code, "event_id": event.downstream_id}
    if event.value is not None:
        found["value"] = float(event.value)
    if event.currency is not None:
        found["currency"] = event.currency
    if bought := items(event):
        found["items"] = bought
    found |= fields_of(event, mapping)
    for name, value in sorted(event.payload.items()):
        if len(found) >= most:
            break
        if name not in found and name not in _NOT_PROPERTIES and is_plain(name, value):
            found[name] = value
    return {name: value[:longest] if isinstance(value, str) else value for name, value in found.items()}


def amount(event: RelayEvent) -> float | None:
    """Return what counts as money, or None: without its currency a number is a property, and nobody's revenue."""
    return float(event.value) if event.value is not None and event.currency is not None else None


def items(event: RelayEvent) -> list[dict[str, Any]]:
    """Return what was bought, without what is personal or nested."""
    listed: list[Any] = next((event.payload[name] for name in _ITEMS if isinstance(event.payload.get(name), list)), [])
    plain = [
        {str(name): value for name, value in each.items() if is_plain(str(name), value)}
        for each in listed
        if isinstance(each, Mapping)
    ]
    return [each for each in plain if each]


def is_plain(name: str, value: Any) -> bool:
    """Tell whether something may be a property: a number or a text that is there, not personal, under a usable name."""
    is_name = 0 < len(name) <= _NAME_LENGTH and not name.startswith("$")
    return is_name and name not in _PERSONAL and isinstance(value, str | int | float) and value != ""


def regional(account: Account, default: str, regions: Mapping[str, str]) -> str:
    """Return the address of an account's region, unless the platform's row or a setting names another for all."""
    return (
        regions.get(str(account.credentials.get("region")), default)
        if account.base_url == default
        else account.base_url
    )


def basic(name: str, password: str = "") -> str:
    """Return the value of `Authorization` for HTTP Basic (RFC 7617)."""
    return f"Basic {b64encode(f'{name}:{password}'.encode()).decode()}"


def mail(who: Mapping[str, Any]) -> str | None:
    """Return an e-mail address as it is, or None where it is none: a mailer can do nothing with a digest."""
    text = str(who.get("email") or "").strip()
    return text if _ADDRESS.fullmatch(text) else None


def telephone(who: Mapping[str, Any]) -> str | None:
    """Return a number in E.164, or None where it could be somebody else's: it lacks its country, or cannot exist."""
    text, country = str(who.get("phone") or "").strip(), str(who.get("country") or "").strip()
    if is_hashed(text) or not (country or text.startswith("+")):
        return None
    number = e164(text, country)
    is_real = number is not None and phonenumbers.is_valid_number(phonenumbers.parse(number))
    return number if is_real else None


def _somebody(value: Any) -> str | None:
    text = str(value).strip() if value is not None else ""
    if not text or text.lower() in _NOBODY:
        return None
    return text if len(text) <= _ID_LENGTH else sha256(text.encode()).hexdigest()

"""What advertising platforms match a person by: digests, under the short names that Meta began with.

The same in https://developers.facebook.com/docs/marketing-api/conversions-api/parameters/customer-information-parameters,
https://developers.snap.com/api/marketing-api/Conversions-API/Parameters and
https://developers.pinterest.com/docs/api/v5/events-create.
"""

import re
from collections.abc import Collection
from ipaddress import ip_address
from typing import Any

from adapters.relay import hashing
from adapters.relay.people import person
from adapters.relay.port import RelayEvent

_DATE = re.compile(r"(\d{4})\D?(\d{2})\D?(\d{2})(?!\d)")
#: The initials that all three take; Pinterest alone has n as well.
GENDERS = frozenset("fm")


def digests(event: RelayEvent, genders: Collection[str] = GENDERS) -> dict[str, str]:
    """Return the digests of what is known of the person; what is not known, or cannot be read, is absent."""
    who = person(event)
    country = who.get("country")
    found = {
        "em": hashing.email(who.get("email")),
        "ph": hashing.phone(who.get("phone"), country),
        "fn": hashing.name(who.get("first_name")),
        "ln": hashing.name(who.get("last_name")),
        "ct": hashing.city(who.get("city")),
        "st": hashing.state(who.get("state")),
        "zp": hashing.postcode(who.get("postcode"), country),
        "country": hashing.country_code(country),
        "db": _birth_date(who.get("birth_date")),
        "ge": _gender(who.get("gender"), genders),
        "external_id": hashing.plain(who.get("external_id")),
    }
    return {name: digest for name, digest in found.items() if digest}


def browser(event: RelayEvent) -> dict[str, str]:
    """Return what no platform wants hashed: the address and the browser."""
    who = person(event)
    raw = {"client_ip_address": _address(who.get("ip")), "client_user_agent": who.get("user_agent")}
    return {name: str(value) for name, value in raw.items() if value}


def _address(value: Any) -> str | None:
    """Return an address of the network; of a list, as proxies write it (X-Forwarded-For), the first: the browser's."""
    try:
        return str(ip_address(str(value).partition(",")[0].strip()))
    except ValueError:
        return None


def _birth_date(value: Any) -> str | None:
    """Return the digest of YYYYMMDD; a date that begins with its day or month could be two dates, and has none."""
    if value is not None and hashing.is_hashed(str(value)):
        return str(value).lower()
    found = _DATE.match(str(value).strip()) if value is not None else None
    return hashing.hashed("".join(found.groups())) if found else None


def _gender(value: Any, genders: Collection[str]) -> str | None:
    """Return the digest of an initial, which is the first letter of every spelling."""
    text = str(value).strip().lower() if value is not None else ""
    if hashing.is_hashed(text):
        return text
    return hashing.hashed(text[0]) if text and text[0] in genders else None

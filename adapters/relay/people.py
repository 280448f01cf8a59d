"""What identifies a person, under the names that producers use."""

from collections.abc import Mapping
from ipaddress import IPv4Address
from typing import Any

from adapters.relay.port import RelayEvent

#: Ours first, then what producers call the same thing.
ALIASES: Mapping[str, tuple[str, ...]] = {
    "email": ("email", "em", "email_address"),
    "phone": ("phone", "ph", "phone_number"),
    "first_name": ("first_name", "fn", "firstname"),
    "last_name": ("last_name", "ln", "lastname"),
    "city": ("city", "ct"),
    "state": ("state", "st", "province"),
    "postcode": ("zip", "zp", "zip_code", "postal_code", "postcode"),
    "country": ("country", "country_code"),
    "birth_date": ("db", "date_of_birth", "birth_date"),
    "gender": ("ge", "gender"),
    "external_id": ("external_id", "customer_id", "user_id"),
    "ip": ("client_ip_address", "ip", "ip_address"),
    "user_agent": ("client_user_agent", "user_agent"),
}


def person(event: RelayEvent) -> dict[str, Any]:
    """Return what is known of the person, by our names; what is not known is absent."""
    found: dict[str, Any] = {}
    for ours, names in ALIASES.items():
        for name in names:
            value = event.user_data.get(name, event.payload.get(name))
            if isinstance(value, list):
                value = value[0] if value else None
            if value not in (None, "") and not isinstance(value, dict | bool):
                found[ours] = value
                break
    return found


def told(event: RelayEvent, name: str) -> Any:
    """Return something that a producer sends beside the person (a click id, a cookie), or None."""
    value = event.user_data.get(name, event.payload.get(name))
    return None if value in ("", None) or isinstance(value, dict | list | bool) else value


def ipv4(value: Any) -> str | None:
    """Return an address of the network where it is one of version 4, the only one that some platforms take."""
    try:
        return str(IPv4Address(str(value).strip()))
    except ValueError:
        return None

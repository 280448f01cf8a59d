"""Conversions that an account defines itself: which of them an event counts as, and an id that is short enough."""

import re
from collections.abc import Mapping
from hashlib import sha256
from typing import Any

from adapters.relay.mapping import event_name
from adapters.relay.port import Account, RelayEvent, Skipped

#: What an account's only conversion stands for: nothing else may count as a sale.
PURCHASE = "PURCHASE"


def conversion_of(
    event: RelayEvent, account: Account, mapping: Mapping[str, Any], own: re.Pattern[str], names: tuple[str, str]
) -> str:
    """Return the account's own conversion for an event; raises Skipped where it has none.

    The mapping says either the conversion itself, which has the form `own`, or a name that is looked up in the
    credentials: `names` are the field with one conversion for each name, and the field with that of purchases alone.
    """
    name = event_name(event, mapping)
    if own.fullmatch(name):
        return name
    many, one = names
    found = (account.credentials.get(many) or {}).get(name)
    if found is None and name == PURCHASE:
        found = account.credentials.get(one)
    if not found:
        raise Skipped(f"no conversion of the account is configured for {name}: see {many}")
    return str(found)


def short(downstream_id: str, longest: int = 64) -> str:
    """Return an id that fits, the same one every time: a long one's digest (64 characters)."""
    if len(downstream_id) <= longest:
        return downstream_id
    return sha256(downstream_id.encode()).hexdigest()[:longest]

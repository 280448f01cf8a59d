"""What our events are called elsewhere: versioned configuration, with a default for each platform."""

from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any

import orjson

from adapters.relay.port import RelayEvent, Skipped

#: The version of the mappings that come with the adapters; operators' own begin at 2.
BUILT_IN = 1


@cache
def built_in(platform_code: str) -> Mapping[str, Any]:
    """Return the mapping that comes with an adapter: `events` by our name, and `other` for the rest.

    `other` is `pass` (our name as it is), `skip`, or the platform's own name for custom events. An operator's own may
    say `consent: required`.
    """
    text = (files("adapters.relay") / "mappings" / f"{platform_code}.json").read_bytes()
    return {"version": BUILT_IN, **orjson.loads(text)}


def is_consent_required(mapping: Mapping[str, Any]) -> bool:
    """Tell whether an event goes only where the person said yes."""
    return mapping.get("consent") == "required"


def event_name(event: RelayEvent, mapping: Mapping[str, Any]) -> str:
    """Return what an event is called at a platform; raises Skipped where the mapping leaves it out."""
    name = mapping.get("events", {}).get(event.event_type, mapping.get("other", "pass"))
    if name is None or name == "skip":
        raise Skipped(f"{event.event_type} has no counterpart in mapping version {mapping.get('version')}")
    return event.event_type if name == "pass" else str(name)


def fields_of(event: RelayEvent, mapping: Mapping[str, Any]) -> dict[str, Any]:
    """Return the payload's own fields under the names that the mapping gives them: `fields` is ours → theirs."""
    wanted: Mapping[str, str] = mapping.get("fields", {})
    return {theirs: event.payload[ours] for ours, theirs in wanted.items() if event.payload.get(ours) is not None}

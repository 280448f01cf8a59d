"""Which creators a search finds."""

from collections.abc import Iterable
from typing import Any

_GMV = {"0-100": (0, 100), "100-1k": (100, 1000), "1k-10k": (1000, 10_000), "10k+": (10_000, None)}
_SALES = {"0-10": (0, 10), "10-100": (10, 100), "100-1k": (100, 1000), "1k+": (1000, None)}


def found(people: Iterable[dict[str, Any]], filters: dict[str, Any]) -> list[dict[str, Any]]:
    """Return those who fit every filter that is set."""
    return [person for person in people if _fits(person, filters)]


def _fits(person: dict[str, Any], filters: dict[str, Any]) -> bool:
    keyword = str(filters.get("keyword") or "").lower()
    wanted = (
        not keyword or keyword in f"{person['handle']} {person['nickname']} {' '.join(person['categories'])}".lower(),
        _any(filters.get("categories"), person["categories"]),
        _any(filters.get("ages"), [person["top_age"]]),
        _any(filters.get("content_types"), person["content_types"]),
        _in_bands(person["gmv"], filters.get("gmv"), _GMV),
        _in_bands(person["items_sold"], filters.get("sales"), _SALES),
        person["followers"] >= int(filters.get("min_followers") or 0),
        person["avg_views"] >= int(filters.get("min_views") or 0),
        person["engagement_rate"] >= float(filters.get("min_engagement") or 0),
        _has_gender(person["female_share"], filters),
    )
    return all(wanted)


def _any(chosen: list[str] | None, of: list[str]) -> bool:
    return not chosen or bool(set(chosen) & set(of))


def _in_bands(value: int, chosen: list[str] | None, bands: dict[str, tuple[int, int | None]]) -> bool:
    if not chosen:
        return True
    limits = [bands[name] for name in chosen]
    return any(low <= value and (high is None or value < high) for low, high in limits)


def _has_gender(female: int, filters: dict[str, Any]) -> bool:
    share = int(filters.get("gender_share") or 0)
    match filters.get("gender"):
        case "Female":
            return female >= share
        case "Male":
            return 100 - female >= share
        case _:
            return True

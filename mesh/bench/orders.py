"""The marketing events that benchmarks feed the relay with, as an order system posts them."""

from collections.abc import Iterator
from typing import Any

from schemas.clock import utc_now

CODE = "bench"


def item(number: int) -> dict[str, Any]:
    """Return an event as an order system posts it, with what platforms need to know the person again."""
    return {
        "t-value": f"aff_{number % 50}",
        "storefront_id": CODE,
        "event_name": "purchase_completed",
        "event_time": utc_now().isoformat(timespec="milliseconds"),
        "order_id": f"2026{number:012d}",
        "order_revenue": f"{number % 300}.50",
        "currency": "USD",
        "session_id": f"s-{number}",
        "utm_source": "google",
        "utm_medium": "cpc",
        "utm_campaign": "spring",
        "event_source_url": "https://bench.example/checkout",
        "user_data": {
            "email": f"person.{number}@example.com",
            "phone": "+1 650 555 1212",
            "client_ip_address": "203.0.113.7",
            "client_user_agent": "Mozilla/5.0 (X11; Linux x86_64)",
        },
    }


def pages(number: int, items: int) -> Iterator[dict[str, Any]]:
    """Yield pages of events as an order system posts them, all of them new."""
    for first in range(0, number, items):
        data = orders(min(items, number - first), after=first)
        yield {"count": number, "data": data, "error": "", "next_index": first + items, "previous_index": ""}


def orders(number: int, after: int = 0) -> list[dict[str, Any]]:
    """Return that many events that are new where `after` of them are known."""
    return [item(each) for each in range(after, after + number)]

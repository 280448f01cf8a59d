"""Sample rows, the messages that carry them, and their deliveries."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import count
from typing import Any

from brokers.delivery import Delivery
from schemas.samples.messages import IngestSamples

NOON = datetime(2026, 1, 12, 12, tzinfo=UTC)

_numbers = count(1)


def row(**fields: Any) -> dict[str, Any]:
    """Build a row as a crawler sends it; a field given as `...` is left out."""
    usual = {
        "region": "MX",
        "platformProductId": "1729400000000000011",
        "platformCampaignId": "7563000000000000001",
        "platformCreatorId": "7495000000000000321",
        "platformCreatorUsername": "lupita.skin",
        "platformCreatorDisplayName": "Lupita",
        "productName": "Clay mask 100 g",
        "status": "To review",
        "stock": 42,
    }
    return {name: value for name, value in (usual | fields).items() if value is not ...}


def video(**fields: Any) -> dict[str, Any]:
    """Build a row of a sample for which a video was published."""
    return row(
        **{
            "status": "Completed",
            "type": "video",
            "typeNumber": "1",
            "promotionName": "Mi rutina",
            "promotionTime": "2026-01-09 18:22",
            "promotionViewCount": 15400,
            "promotionOrderTotalAmount": "1500.00",
        }
        | fields
    )


def ingest(*rows: dict[str, Any], **fields: Any) -> IngestSamples:
    """Build the message that carries rows."""
    return IngestSamples.model_validate({"source": "crawler", "rows": list(rows or [row()])} | fields)


def delivery(
    *rows: dict[str, Any],
    at: datetime = NOON,
    message_id: str | None = None,
    **fields: Any,
) -> Delivery[IngestSamples]:
    """Build a delivery of rows, published at a moment, under a message id of its own."""
    message = ingest(*rows, **fields)
    return Delivery(
        message=message,
        message_id=message_id or f"message-{next(_numbers)}",
        is_derived=False,
        key=IngestSamples.key,
        observed_at=at,
        raw=json.dumps(message.model_dump()).encode(),
    )


def creators(number: int, **fields: Any) -> Sequence[dict[str, Any]]:
    """Build one row each of that many creators."""
    return [
        row(**{"platformCreatorId": str(7_495_000_000_000_000_000 + index), "productName": "Mask"} | fields)
        for index in range(number)
    ]

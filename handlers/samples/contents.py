"""The videos and lives that rows tell of, and what makes two of them the same."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from hashlib import sha256
from typing import NamedTuple

from handlers.samples.identities import content_id, log_id
from handlers.samples.merging import Step
from handlers.samples.observations import SeenRow
from schemas.samples.records import SampleContent, SampleContentCrawlLog
from schemas.samples.rows import Promotion

#: The width of the column of content keys.
_KEY_LENGTH = 400

_KINDS = {"video": "video", "1": "video", "live": "live", "2": "live"}


class SeenContent(NamedTuple):
    """A content and where it was seen."""

    content: SampleContent
    message_id: str
    row_index: int


def contents_of(steps: Iterable[Step], now: datetime) -> list[SeenContent]:
    """Return the contents that the rows tell of; a row without a type tells of none."""
    return [
        SeenContent(_content(step, seen, now), step.observation.crawl.message_id, seen.index)
        for step in steps
        for seen in step.observation.rows
        if seen.row.promotion.type
    ]


def content_key(promotion: Promotion) -> str:
    """Return what makes two rows of a sample the same content.

    Creators edit titles, so a publishing time with its hour and minute identifies by itself; a bare day does not.
    """
    written = (promotion.type or "").lower()
    kind, time = _KINDS.get(written, written), promotion.promotion_time or ""
    key = f"{kind}|{time}" if ":" in time else f"{kind}|{time}|{promotion.promotion_name or ''}"
    return key if len(key) <= _KEY_LENGTH else f"sha256:{sha256(key.encode()).hexdigest()}"


def _content(step: Step, seen: SeenRow, now: datetime) -> SampleContent:
    sample, promotion, operator_id = step.after, seen.row.promotion, step.observation.crawl.operator_id
    key = content_key(promotion)
    username = sample.platform_creator_username
    return SampleContent(
        id=content_id(sample.id, key),
        sample_id=sample.id,
        content_key=key,
        observed_at=seen.observed_at,
        platform_product_id=sample.platform_product_id,
        region=sample.region,
        type=_KINDS.get((promotion.type or "").lower()),
        platform_creator_id=sample.platform_creator_id,
        platform_creator_display_name=sample.platform_creator_display_name,
        # The column is narrower than the sample's; a row without a content may have filled that one.
        platform_creator_username=username and username[:64],
        promotion_name=promotion.promotion_name,
        promotion_time=promotion.promotion_time,
        promotion_view_count=promotion.promotion_view_count,
        promotion_like_count=promotion.promotion_like_count,
        promotion_comment_count=promotion.promotion_comment_count,
        promotion_order_count=promotion.promotion_order_count,
        promotion_order_total_amount=promotion.promotion_order_total_amount,
        creator_id=operator_id,
        creation_time=now,
        last_modifier_id=operator_id,
        last_modification_time=now,
    )


def newest(seen: Iterable[SeenContent]) -> list[SampleContent]:
    """Return one content a key, the one seen last, in order of their keys."""
    chosen: dict[tuple[str, str], SampleContent] = {}
    for content, _, _ in seen:
        key = (content.sample_id, content.content_key)
        known = chosen.get(key)
        if known is None or content.observed_at >= known.observed_at:
            chosen[key] = content
    return [chosen[key] for key in sorted(chosen)]


def content_logs(seen: Sequence[SeenContent], now: datetime) -> list[SampleContentCrawlLog]:
    """Return one log a content row."""
    crawl_date = now.date()
    return [
        SampleContentCrawlLog(
            id=log_id("content", message_id, crawl_date, row_index),
            content=content,
            message_id=message_id,
            row_index=row_index,
            crawl_date=crawl_date,
        )
        for content, message_id, row_index in seen
    ]

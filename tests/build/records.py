"""Stored records with every column filled, so that a round trip shows what a column loses."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import count
from typing import Any
from uuid import UUID

from schemas.chatbot.records import ChatDelivery, DeliveryState, Scenario, Schedule
from schemas.samples.records import Sample, SampleContent, SampleContentCrawlLog, SampleCrawlLog

NOON = datetime(2026, 1, 12, 12, 0, 0, 123000, tzinfo=UTC)
TODAY = NOON.date()
EVERY_SCRIPT = "José 漢字 العربية 😀👩‍👩‍👧 \N{MATHEMATICAL BOLD CAPITAL A}'\"\\%s\n"

_numbers = count(1)


def new_id() -> str:
    return str(UUID(int=next(_numbers))).upper()


def sample(**changes: Any) -> Sample:
    full = Sample(
        id=new_id(),
        creator_id="0A0A0A0A-0000-4000-8000-00000000000A",
        creation_time=NOON,
        last_modifier_id="operadora-ñ",
        last_modification_time=NOON,
        region="MX",
        platform_product_id="1729400000000000011",
        campaign_key="7563000000000000001",
        creator_key=f"creator-{next(_numbers)}",
        observed_at=NOON,
        platform_campaign_id="7563000000000000001",
        platform_campaign_name=EVERY_SCRIPT,
        product_name=EVERY_SCRIPT,
        product_sku="SKU 1",
        stock=2**31 - 1,
        available_sample_count=0,
        is_uncooperative=False,
        is_unapprovable=True,
        is_showcase=None,
        status="Completed",
        request_time_remaining="2 days",
        platform_creator_id="7495000000000000321",
        platform_creator_display_name="José 😀",
        platform_creator_username="lupita.skin",
        post_rate=Decimal("54.1200"),
        content_summary=[{"type": "video", "promotion_name": EVERY_SCRIPT, "promotion_view_count": 15400, "x": None}],
        ad_code=["ABC123"],
    )
    return replace(full, **changes)


def crawl_log(of: Sample | None = None, **changes: Any) -> SampleCrawlLog:
    full = SampleCrawlLog(
        id=new_id(),
        sample=of or sample(),
        message_id="message-1",
        row_index=7,
        fingerprint="f" * 64,
        is_replay=False,
        crawl_date=TODAY,
        source="portal",
        options={"tab": "completed"},
        extra={"nested": {"deep": [1, 2.5, None, EVERY_SCRIPT]}},
    )
    return replace(full, **changes)


def content(**changes: Any) -> SampleContent:
    full = SampleContent(
        id=new_id(),
        creator_id="operator",
        creation_time=NOON,
        last_modifier_id="operator",
        last_modification_time=NOON,
        sample_id=new_id(),
        content_key="video|2026-01-09 18:22",
        observed_at=NOON,
        platform_product_id="1729400000000000011",
        region="MX",
        type="video",
        platform_creator_id="7495000000000000321",
        platform_creator_display_name="José 😀",
        platform_creator_username="lupita.skin",
        promotion_name=EVERY_SCRIPT,
        promotion_time="2026-01-09 18:22",
        promotion_view_count=15400,
        promotion_like_count=0,
        promotion_comment_count=None,
        promotion_order_count=3,
        promotion_order_total_amount=Decimal("99999999.99"),
    )
    return replace(full, **changes)


def content_log(of: SampleContent | None = None, **changes: Any) -> SampleContentCrawlLog:
    full = SampleContentCrawlLog(
        id=new_id(), content=of or content(), message_id="message-1", row_index=0, crawl_date=TODAY
    )
    return replace(full, **changes)


def schedule(**changes: Any) -> Schedule:
    full = Schedule(
        id=new_id(),
        sample_id=new_id(),
        scenario=Scenario.SHIPPED,
        region="MX",
        interval_days=5,
        max_runs=4,
        run_count=0,
        next_run_time=NOON,
        last_run_time=None,
        active=True,
        created_at=NOON,
        updated_at=NOON,
    )
    return replace(full, **changes)


def chat_delivery(**changes: Any) -> ChatDelivery:
    full = ChatDelivery(
        id=new_id(),
        task_key=new_id(),
        message_id="message-1",
        sample_id=new_id(),
        scenario="shipped",
        run=1,
        region="MX",
        platform_creator_id="7495000000000000321",
        messages=[{"type": "text", "content": EVERY_SCRIPT}],
        sender="development",
        state=DeliveryState.PENDING,
        attempts=0,
        reason=None,
        created_at=NOON,
        updated_at=NOON,
        sent_at=NOON + timedelta(minutes=1),
    )
    return replace(full, **changes)


def days_ago(number: int) -> date:
    return TODAY - timedelta(days=number)

"""The crawl that a task asks for: its search, as the crawler's filters."""

from collections.abc import Mapping
from typing import Any

from schemas.crawl.messages import DEFAULT_CREATORS, DEFAULT_REGION, CrawlCreators
from schemas.outreach.records import OutreachTask


def crawl_of(task: OutreachTask) -> CrawlCreators:
    """Return the command that searches for a task's creators and hands them over."""
    search = {
        "searchKeywords": task.search_keywords,
        "productCategory": task.product_categories,
        "fansAgeRange": task.fans_age_range,
        "fansGender": _one(task.fans_gender),
        "contentType": task.content_types,
        "gmv": _several(task.gmv_range),
        "sales": _several(task.sales_range),
        "minFans": task.min_fans,
        "avgViews": task.min_avg_views,
        "minEngagementRate": task.min_engagement_rate,
    }
    told = {
        "taskName": task.task_name,
        "accountEmail": task.accound_email,
        "runEndTime": task.plan_stop_time.isoformat() if task.plan_stop_time else None,
    }
    return CrawlCreators.model_validate(
        {
            "taskId": task.id,
            "platform": task.platform,
            "region": task.region or DEFAULT_REGION,
            "brandName": task.brand,
            "searchStrategy": {name: value for name, value in search.items() if value},
            "maxCreatorsToLoad": task.max_creators or DEFAULT_CREATORS,
            "taskMetadata": {name: value for name, value in told.items() if value},
        }
    )


def _several(kept: Mapping[str, Any] | None) -> list[str]:
    """Return the bands that were asked for, however they were written: `raw`, or the names of those that are true."""
    if not kept:
        return []
    raw = kept.get("raw")
    if isinstance(raw, str):
        return [each.strip() for each in raw.split(",") if each.strip()]
    if isinstance(raw, list):
        return [str(each).strip() for each in raw if str(each).strip()]
    return [str(name) for name, value in kept.items() if value is True]


def _one(kept: Mapping[str, Any] | None) -> str | None:
    raw = (kept or {}).get("raw")
    return str(raw) if raw else None

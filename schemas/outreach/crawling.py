"""The crawl that a task asks for: its search, as the crawler's filters."""

from collections.abc import Iterable, Mapping
from typing import Any

from schemas.crawl.messages import DEFAULT_CREATORS, DEFAULT_REGION, CrawlCreators
from schemas.outreach.records import OutreachTask

_LONGEST_WORD = 255


def region_of(told: str | None) -> str:
    """Return the region that a task works in: where it searches, whose clock it goes by, and who writes for it."""
    return (told or "").strip().upper() or DEFAULT_REGION


def crawl_of(task: OutreachTask) -> CrawlCreators:
    """Return the command that searches for a task's creators and hands them over."""
    search = {
        "searchKeywords": _short((task.search_keywords or "").split(",")),
        "productCategory": _short(task.product_categories or []),
        "fansAgeRange": _short(task.fans_age_range or []),
        "fansGender": _one(task.fans_gender),
        "contentType": _short(task.content_types or []),
        "gmv": bands_of(task.gmv_range),
        "sales": bands_of(task.sales_range),
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
            "region": region_of(task.region),
            "brandName": task.brand,
            "searchStrategy": {name: value for name, value in search.items() if value},
            "maxCreatorsToLoad": max(task.max_creators or DEFAULT_CREATORS, 1),
            "taskMetadata": {name: value for name, value in told.items() if value},
        }
    )


def bands_of(kept: Mapping[str, Any] | None) -> list[str]:
    """Return the bands that were asked for, however they were written.

    They are `raw`, or the names of those that are true, or the texts of an object that says each of them by a name.
    """
    if not kept:
        return []
    raw = kept.get("raw")
    if isinstance(raw, str):
        return _short(raw.split(","))
    if isinstance(raw, list):
        return _short(raw)
    return _short([name for name, value in kept.items() if value is True]) or _short(
        value for value in kept.values() if isinstance(value, str)
    )


def _short(words: Iterable[Any]) -> list[str]:
    """Return words as a filter takes them; a page of text filters by nothing."""
    return [word for each in words if 0 < len(word := str(each).strip()) <= _LONGEST_WORD]


def _one(kept: Mapping[str, Any] | None) -> str | None:
    raw = (kept or {}).get("raw")
    return next(iter(_short([raw]) if isinstance(raw, str) else bands_of(kept)), None)

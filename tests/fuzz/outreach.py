"""Wild bodies about creators, campaigns, products and outreach tasks."""

from collections.abc import Mapping
from typing import Any

from hypothesis import strategies as st

from tests.fuzz.odd import ODD_TIMES
from tests.fuzz.parts import ID, NUMBER, ODD, TEXT, some

_CREATOR = {
    "platform": st.sampled_from(["tiktok", "x" * 16, "x" * 17]),
    "platformCreatorUsername": ID,
    "platformCreatorDisplayName": TEXT,
    "region": st.sampled_from(["MX", "fr ", "ß" * 16, "ß" * 32, None]),
    "currency": TEXT,
    "categories": st.one_of(TEXT, st.lists(ODD, max_size=3), ODD),
    "intro": TEXT,
    "email": TEXT,
    "topBrands": ODD,
    "followers": NUMBER,
    "salesRevenue": NUMBER,
    "avgCommissionRate": NUMBER,
    "followers1824": NUMBER,
    "crawlDate": st.sampled_from(ODD_TIMES),
    "extractedTime": st.sampled_from(ODD_TIMES),
    "connect": ODD,
    "reply": ODD,
    "send": ODD,
    "skipCreatorUpsert": ODD,
    "odd": ODD,
}
_CAMPAIGN = {
    "platformShopId": ID,
    "platformCampaignName": TEXT,
    "campaignPeriod": ODD,
    "registrationPeriod": ODD,
    "pendingProductCount": NUMBER,
    "commissionRate": NUMBER,
    "dateRegistered": st.sampled_from(ODD_TIMES),
    "productName": TEXT,
    "stock": NUMBER,
    "productRating": NUMBER,
    "salePriceMin": NUMBER,
    "odd": ODD,
}
_ABOUT = {"operatorId": st.one_of(ID, TEXT), "options": st.one_of(ODD, st.just({"taskId": "T"})), "source": TEXT}
_OUTREACH = {
    "taskId": ID,
    "taskName": TEXT,
    "region": st.sampled_from(["MX", "fr", "x" * 33]),
    "productList": ODD,
    "onlyFirst": ODD,
    "status": st.sampled_from(["running", "pending", "Canceled", "odd", 7]),
    "gmv": ODD,
    "fansGender": ODD,
    "minFans": NUMBER,
    "maxCreators": NUMBER,
    "targetNewCreators": NUMBER,
    "newCreators": NUMBER,
    "emailFirstBody": ODD,
    "runAtTime": st.sampled_from(ODD_TIMES),
    "runEndTime": st.sampled_from(ODD_TIMES),
    "createdAt": st.sampled_from(ODD_TIMES),
    "runTime": ODD,
    "odd": ODD,
}


@st.composite
def _rows(draw: st.DrawFn, ids: Mapping[str, Any], fields: Mapping[str, st.SearchStrategy[Any]]) -> Any:
    rows = [
        {**{name: draw(each) for name, each in ids.items()}, **draw(some(fields))}
        for _ in range(draw(st.integers(1, 3)))
    ]
    return {"source": "fuzz", "rows": rows, **draw(some(_ABOUT, 1))}


@st.composite
def _outreach(draw: st.DrawFn) -> Any:
    return {"task": draw(some(_OUTREACH, 6)), **draw(some({"source": TEXT, "operatorId": ID}, 1))}


_OUTCOME = st.fixed_dictionaries(
    {
        "taskKey": ID,
        "outreachTaskId": ID,
        "platformCreatorId": ID,
        "state": st.sampled_from(["sent", "failed", "uncertain", "pending", "odd"]),
        "at": st.one_of(st.sampled_from(ODD_TIMES), st.just("2026-01-15T10:15:00Z")),
    },
    optional={"reason": TEXT, "isFinal": ODD},
)

_METADATA = {
    "brand": st.one_of(ODD, st.just({"name": ["x"], "only_first": {}})),
    "region": ODD,
    "product_list": ODD,
    "email_first": ODD,
    "email_later_body": ODD,
    "only_first": ODD,
}
_HANDED = {
    "outreachTaskId": ID,
    "taskId": ID,
    "platform": st.sampled_from(["tiktok", "x" * 16, "x" * 17, None]),
    "region": st.sampled_from(["MX", "fr", "x" * 33, None]),
    "creatorUsername": ID,
    "brandName": TEXT,
    "onlyFirst": ODD,
    "connect": ODD,
    "reply": ODD,
    "taskMetadata": some(_METADATA),
    "odd": ODD,
}


@st.composite
def _handed(draw: st.DrawFn) -> Any:
    return [{"platformCreatorId": draw(ID), **draw(some(_HANDED, 3))} for _ in range(draw(st.integers(1, 3)))]


_CONTROL = {
    "action": st.sampled_from(["start", "end", "pause", "resume", "cancel", "odd", None]),
    "taskId": ID,
    "crawl": ODD,
    "reason": TEXT,
}

BODIES: Mapping[str, st.SearchStrategy[Any]] = {
    "creators.ingest": _rows({"platformCreatorId": ID}, _CREATOR),
    "creators.campaigns.ingest": _rows({"platformCampaignId": ID}, _CAMPAIGN),
    "creators.products.ingest": _rows({"platformCampaignId": ID, "platformProductId": ID}, _CAMPAIGN),
    "creators.history.tell": some({"creatorId": ID, "creatorName": TEXT, "creatorUsername": ID, "limit": NUMBER}),
    "outreach.tasks.ingest": _outreach(),
    "outreach.on-chat-outcome": _OUTCOME,
    "outreach.contacts.decide": _handed(),
    "outreach.tasks.progress": some({"taskId": ID, "delta": NUMBER, "operatorId": ID}, 1),
    "outreach.tasks.control": some(_CONTROL, 2),
}
KEYS: Mapping[str, st.SearchStrategy[bytes]] = {
    "creators.ingest": st.just(b"creators.ingest"),
    "creators.campaigns.ingest": st.just(b"creators.campaigns.ingest"),
    "creators.products.ingest": st.just(b"creators.products.ingest"),
    "creators.history.tell": st.just(b"creators.history.tell"),
    "outreach.tasks.ingest": st.just(b"outreach.tasks.ingest"),
    "outreach.contacts.decide": st.just(b"outreach.contacts.decide"),
    "outreach.tasks.progress": st.just(b"outreach.tasks.progress"),
    "outreach.tasks.control": st.just(b"outreach.tasks.control"),
    "outreach.on-chat-outcome": st.sampled_from([b"chatbot.outcome", b"chatbot.outcome.sent", b"chatbot.outcome.\xff"]),
}

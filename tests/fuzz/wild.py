"""Messages as nobody should send them: near-valid bodies, and some far from valid, with properties to match."""

import json
import os
import random
from base64 import b64encode
from collections.abc import Callable, Mapping
from hashlib import sha256
from typing import Any

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from brokers import topology
from tests.fuzz.amqp import Raw
from tests.fuzz.odd import ODD_TIMES, ODDS, SPELLED
from tests.fuzz.outreach import BODIES as OUTREACH_BODIES
from tests.fuzz.outreach import KEYS as OUTREACH_KEYS
from tests.fuzz.parts import ANY_JSON, ID, NUMBER, ODD, TEXT, some
from tests.fuzz.properties import properties

#: MESH_FUZZ_SEED replays a run; every run tells its own.
SEED = int(os.environ.get("MESH_FUZZ_SEED") or random.randrange(10**6))

#: Messages made of one drawn body.
FAMILY = 5


_LOGISTICS = st.one_of(
    ODD,
    st.fixed_dictionaries(
        {
            "basic_info": st.lists(st.one_of(ODD, st.fixed_dictionaries({"label": ODD, "value": ODD})), max_size=2),
            "timeline": st.lists(st.one_of(ODD, st.fixed_dictionaries({"title": ODD, "time": ODD})), max_size=3),
            "raw_text": ODD,
        }
    ),
)
_ROW = {
    "region": st.sampled_from(["MX", "mx ", "BR", "ß" * 16, "ß" * 32, None]),
    "platformCampaignId": ID,
    "platformCampaignName": TEXT,
    "productName": TEXT,
    "productSku": ID,
    "status": st.sampled_from(["Shipped", "completed", "Content pending", "To review", "x" * 32]),
    "requestTimeRemaining": TEXT,
    "stock": NUMBER,
    "availableSampleCount": NUMBER,
    "isUncooperative": ODD,
    "isShowcase": ODD,
    "platformCreatorDisplayName": ID,
    "platformCreatorUsername": ID,
    "creatorId": ID,
    "postRate": NUMBER,
    "adCode": ODD,
    "contentSummary": ODD,
    "extractedTime": st.sampled_from(ODD_TIMES),
    "logisticsSnapshot": _LOGISTICS,
    "type": st.sampled_from(["video", "live", "1", "2", "İ" * 32, ""]),
    "typeNumber": ID,
    "promotionName": TEXT,
    "promotionTime": st.one_of(TEXT, st.just("2026-01-09 18:22")),
    "promotionViewCount": NUMBER,
    "promotionOrderCount": NUMBER,
    "promotionOrderTotalAmount": NUMBER,
    "odd": ODD,
}


@st.composite
def _row(draw: st.DrawFn) -> dict[str, Any]:
    return {"platformProductId": draw(ID), "platformCreatorId": draw(ID), **draw(some(_ROW))}


@st.composite
def _crawl(draw: st.DrawFn) -> Any:
    body: dict[str, Any] = {"source": "fuzz", "rows": draw(st.lists(_row(), min_size=1, max_size=3))}
    return {**body, **draw(some({"operatorId": st.one_of(ID, TEXT), "options": ODD, "source": TEXT}, 1))}


_BUBBLE = st.one_of(
    st.fixed_dictionaries(
        {"content": st.one_of(st.just("Hola"), TEXT)},
        optional={"type": st.sampled_from(["text", "link", None, "x" * 32]), "meta": ODD, "odd": ODD},
    ),
    TEXT,
)
_TASK = {
    "region": st.sampled_from(["MX", "", "x" * 32]),
    "accountName": TEXT,
    "from": TEXT,
    "operatorId": ID,
    "sampleId": st.sampled_from(["A", "a", "9C1E7B44-2D3F-4E1A-8B60-51D0C7A2F9E8", "ß" * 36]),
    "platformProductName": TEXT,
    "creatorWhatsapp": ID,
    "taskId": ID,
    "scenario": st.sampled_from(["shipped", "SHIPPED", "x" * 64, "odd"]),
    "run": st.sampled_from([0, 1, 2**31 - 1, -1, 2**31]),
    "scenarios": st.lists(st.sampled_from(["shipped", "content_pending"]), max_size=3),
    "runs": st.lists(st.sampled_from([0, 1, 2]), max_size=3),
    "odd": ODD,
}


@st.composite
def _task(draw: st.DrawFn) -> dict[str, Any]:
    messages = draw(st.lists(_BUBBLE, min_size=1, max_size=3))
    return {"platformCreatorId": draw(ID), "messages": messages, **draw(some(_TASK))}


@st.composite
def _batch(draw: st.DrawFn) -> Any:
    tasks = draw(st.lists(_task(), min_size=1, max_size=3))
    shape = draw(st.sampled_from(["array", "array", "one", "around"]))
    return {"array": tasks, "one": tasks[0], "around": {"tasks": tasks, "region": "MX", "odd": draw(ODD)}}[shape]


_ITEM = {
    "t-value": TEXT,
    "t_value": TEXT,
    "event_id": ID,
    "session_id": ID,
    "utm_source": TEXT,
    "order_created_date": st.sampled_from(ODD_TIMES),
    "order_revenue": NUMBER,
    "value": NUMBER,
    "currency": st.sampled_from(["USD", "jpy", "ÜÜÜ", 840]),
    "user_data": st.one_of(ODD, st.fixed_dictionaries({"email": ODD, "phone": ODD})),
    "consent": st.one_of(ODD, st.fixed_dictionaries({"ad_user_data": ODD})),
    "items": ODD,
    "odd": ODD,
}


@st.composite
def _item(draw: st.DrawFn) -> dict[str, Any]:
    who = {
        "storefront_id": draw(st.sampled_from(["fuzz", "FUZZ ", "unknown", "\u212aelvin", "x" * 51])),
        "event_name": draw(st.sampled_from(["lead", "Purchase_Completed", "İ" * 30, "x" * 50, ""])),
        "event_time": draw(st.one_of(st.sampled_from(ODD_TIMES), st.just("2026-01-15T10:15:00Z"))),
        "order_id": draw(ID),
    }
    return {**who, **draw(some(_ITEM))}


@st.composite
def _page(draw: st.DrawFn) -> Any:
    items = draw(st.lists(_item(), min_size=1, max_size=4))
    paging = {"next_index": ODD, "previous_index": st.sampled_from(["", None, 0, "200"]), "error": ODD, "count": ODD}
    page = {"count": len(items), "data": items, **draw(some(paging, 1))}
    return {"page": page, "array": items, "one": items[0]}[draw(st.sampled_from(["page", "page", "array", "one"]))]


_CONVERSATION = st.fixed_dictionaries({"conversationId": ID})


@st.composite
def _notification(draw: st.DrawFn) -> Any:
    said = {"event": "im_receive_msg", "content": draw(ODD), "user_openid": draw(ODD), "create_time": draw(ODD)}
    raw = spelled(draw(st.one_of(st.just(said), ANY_JSON)))
    return {
        "raw": b64encode(raw).decode(),
        "conversationId": draw(ID),
        "dedupKey": sha256(raw).hexdigest(),
        "receivedAt": draw(st.sampled_from(ODD_TIMES)),
        "signedAt": "2026-01-15T10:15:00Z",
    }


_ROW_NUMBER = st.sampled_from([1, 2, 2**31, 2**63 - 1, 2**63, 2**70, 0, -1, "3"])

BODIES: Mapping[str, st.SearchStrategy[Any]] = {
    "samples.ingest": _crawl(),
    "chatbot.sample.batch": _batch(),
    "relay.events.ingest": _page(),
    "relay.events.adopt": st.fixed_dictionaries({"ids": st.lists(_ROW_NUMBER, min_size=1, max_size=3)}),
    "relay.deliveries.send": st.fixed_dictionaries({"destinationId": _ROW_NUMBER}),
    "replies.webhooks.take": _notification(),
    "replies.threads.answer": _CONVERSATION,
    "replies.threads.send": _CONVERSATION,
    **OUTREACH_BODIES,
}


def _variant(value: Any, chance: random.Random) -> bytes:
    """Write a value as it is, with one part replaced, with a few bytes changed, or wrapped in something."""
    kind = chance.choice(["replaced"] * 12 + ["bent"] * 6 + ["wrapped", "as it is"])
    for _ in range(chance.choice([1, 1, 2, 4]) if kind == "replaced" else 0):
        value = _replaced(value, chance, chance.choice(ODDS))
    written = spelled(value, ascii_only=chance.random() < 0.5)
    if kind == "bent":
        return _bent(written, chance)
    if kind == "wrapped":
        return chance.choice([b"\xef\xbb\xbf", b" \n\t", b"\x1f\x8b", b"\0", b"//"]) + written
    return written


def spelled(value: Any, *, ascii_only: bool = False) -> bytes:
    """Write JSON, with what stands behind the marks in their place."""
    text = json.dumps(value, ensure_ascii=ascii_only)
    for mark, written in SPELLED.items():
        text = text.replace(json.dumps(mark), written)
    return text.encode("utf-8", "surrogatepass")


#: How likely it is that a part of a part is replaced and not the part: bodies that fail at once find little.
DEEPER = 0.95


def _replaced(value: Any, chance: random.Random, by: Any) -> Any:
    """Replace, drop or repeat one part, anywhere."""
    if isinstance(value, list) and value and chance.random() < DEEPER:
        place = chance.randrange(len(value))
        if chance.random() < 0.1:
            return value * 2
        return [*value[:place], _replaced(value[place], chance, by), *value[place + 1 :]]
    if isinstance(value, dict) and value and chance.random() < DEEPER:
        name = chance.choice(list(value))
        if chance.random() < 0.1:
            return {other: each for other, each in value.items() if other != name}
        return {**value, name: _replaced(value[name], chance, by)}
    return by


def _bent(written: bytes, chance: random.Random) -> bytes:
    """Change, drop or insert a few bytes."""
    bent = bytearray(written)
    for _ in range(chance.randint(1, 3)):
        place = chance.randrange(len(bent) + 1)
        if chance.random() < 0.5:
            bent[place : place + chance.randint(0, 2)] = bytes([chance.choice(b'\0\xff\xc0{}[]",:0\\u')])
        else:
            del bent[place : place + chance.randint(1, 4)]
    return bytes(bent)


KEYS: Mapping[str, st.SearchStrategy[bytes]] = {
    "samples.ingest": st.just(b"samples.ingest"),
    "relay.events.ingest": st.just(b"relay.events.ingest"),
    "relay.events.adopt": st.just(b"relay.events.adopt"),
    "relay.deliveries.send": st.just(b"relay.deliveries.send"),
    **OUTREACH_KEYS,
    "chatbot.sample.batch": st.sampled_from(
        [b"chatbot.sample.batch", b"chatbot.sample.retry", b"chatbot.sample.\xff", b"chatbot.sample." + b"x" * 200]
    ),
    "replies.webhooks.take": st.sampled_from([b"replies.webhooks.take.0", b"replies.webhooks.take.3"]),
    "replies.threads.answer": st.sampled_from([b"replies.threads.answer.0", b"replies.threads.answer.3"]),
    "replies.threads.send": st.sampled_from([b"replies.threads.send.0", b"replies.threads.send.3"]),
}


@st.composite
def _family(draw: st.DrawFn, queue: str) -> list[Raw]:
    """Draw a message for a queue, and vary it: drawing takes a hundred times longer than varying."""
    kind = draw(st.sampled_from(["near"] * 9 + ["json", "bytes"]))
    value = None if kind == "bytes" else draw(ANY_JSON if kind == "json" else BODIES[queue])
    first = draw(st.binary(max_size=60)) if kind == "bytes" else spelled(value)
    chance = draw(st.randoms(use_true_random=True))
    exchange, key = topology.BY_NAME[queue].exchange.encode(), draw(KEYS[queue])
    bodies = [first, *(_variant(value, chance) for _ in range(FAMILY - 1))]
    return [Raw(body, exchange, key, draw(properties()) if place < 2 else {}) for place, body in enumerate(bodies)]


def wild(queue: str, count: int, number: int) -> list[Raw]:
    """Return `count` messages for a queue, the same ones for the same number."""
    families = drawn(_family(queue), -(-count // FAMILY), number)
    return [message for family in families for message in family][:count]


def drawn(strategy: st.SearchStrategy[Any], count: int, number: int) -> list[Any]:
    """Return `count` examples, the same ones for the same number."""
    found: list[Any] = []

    @seed(number)
    @settings(
        max_examples=count,
        database=None,
        deadline=None,
        derandomize=False,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(strategy)
    def collect(example: Any) -> None:
        found.append(example)

    call: Callable[[], None] = collect
    call()
    return found

"""Builders of what TikTok's webhook brings."""

import json
from typing import Any, Final

from tests.build.replies import BUSINESS, CONVERSATION, CUSTOMER

CLIENT_KEY: Final = "awk7demo01"
SECRET: Final = b"demo-secret-not-real"
SIGNED_AT: Final = 1767000301
SIGNED: Final = "t=1767000301,s=b770d4c2c2181172766eaa20da2c8992c455868f8d2bca2bd1169e9ab24ab33f"
VECTOR: Final = (
    rb'{"client_key":"awk7demo01","event":"im_receive_msg","create_time":1767000300,"user_openid":"biz-open-77",'
    rb'"content":"{\"conversation_id\":\"cv+Q2x1==\",\"message_id\":\"mid-5001\",\"timestamp\":1767000299123,'
    rb"\"type\":\"text\",\"text\":{\"body\":\"Is TH-P-001 still there?\"},\"from\":\"wanjiru.k\","
    rb"\"from_user\":{\"id\":\"usr-900\",\"role\":\"personal_account\"},\"to\":\"philia.demo\","
    rb'\"to_user\":{\"id\":\"biz-open-77\",\"role\":\"business_account\"},\"message_tag\":{\"source\":\"APP\"}}"}'
)
LEGACY: Final = (
    b'{"event":"message.received","event_id":"ev-31","timestamp":1767000300,"data":{"message":'
    b'{"from_user_id":"usr-900","content":"any size 10 shoes?"}}}'
)


def content(text: Any = None, message_id: Any = "mid-5001", **values: Any) -> dict[str, Any]:
    """Return what a customer's message says."""
    said = {"body": "Is TH-P-001 still there?"} if text is None else text
    return {
        "conversation_id": CONVERSATION,
        "message_id": message_id,
        "timestamp": 1767000299123,
        "type": "text",
        "text": said,
        "from": "wanjiru.k",
        "from_user": {"id": CUSTOMER, "role": "personal_account"},
        "to": "philia.demo",
        "to_user": {"id": BUSINESS, "role": "business_account"},
        "message_tag": {"source": "APP"},
        **values,
    }


def echo(text: str, message_id: str = "mid-5002", source: str = "API", **values: Any) -> dict[str, Any]:
    """Return what an echo of the business's own message says."""
    ways = {
        "from": "philia.demo",
        "from_user": {"id": BUSINESS, "role": "business_account"},
        "to": "wanjiru.k",
        "to_user": {"id": CUSTOMER, "role": "personal_account"},
        "message_tag": {"source": source},
    }
    return content({"body": text}, message_id, **{**ways, **values})


def envelope(said: Any, event: str = "im_receive_msg", **values: Any) -> bytes:
    """Return a notification's bytes; what it says stands as JSON within a text, unless it is a text already."""
    made = {
        "client_key": CLIENT_KEY,
        "event": event,
        "create_time": 1767000300,
        "user_openid": BUSINESS,
        "content": said if isinstance(said, str) else json.dumps(said),
        **values,
    }
    return json.dumps({name: value for name, value in made.items() if value is not None}).encode()

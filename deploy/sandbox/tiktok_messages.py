"""A stand-in of TikTok's Business Messaging API.

Rules: https://business-api.tiktok.com/portal/docs?id=1832184403754242 (sending; 48 hours and ten messages from the
customer's last one; the last 20 messages of a conversation),
https://business-api.tiktok.com/portal/docs?id=1739584860883969 (a refresh token is taken once and another comes back),
https://business-api.tiktok.com/portal/docs?id=1737172488964097 (return codes: the status of HTTP is 200 for refusals).
Base URL: `http://HOST:PORT/open_api/v1.3`. The app is `sandbox-app`, its secret is `sandbox-secret`; the access token
is `sandbox-token` and the refresh token `sandbox-refresh`, until they are exchanged; the business is `biz-sandbox`.
A conversation exists once its customer wrote: `POST /_sandbox/wrote {"conversation_id", "at": seconds}`. What
`POST /_sandbox/next ["40100", "hang", …]` names becomes of the next sends: a code, or `hang` and `lost` (taken, and no
answer or a broken one), `503` and `numberless` (taken, and a page of a proxy or no number). `DELETE /_sandbox` forgets
tokens too.

`POST /_sandbox/app {"callback_url", "client_key", "client_secret", "businesses", …}` sets the app up as its developer
does (tiktok_webhooks.py says what else): from then on customers' messages and echoes are notified of.
`POST /_sandbox/write [{"conversation_id", "user_id", "text", …}]` has customers write, or where `by` is `person`
somebody of the shop; `POST /_sandbox/notify {"event", "content"}` notifies of anything else.
`GET /_sandbox/talk?conversation_id=…&after=…` tells what was said in a conversation, in order, or without it in all;
`GET /_sandbox/notices` what became of the notifications.
"""

import asyncio
from collections import deque
from collections.abc import Mapping
from itertools import count
from typing import Any, ClassVar

from starlette.responses import Response

from deploy.sandbox.standin import TOKEN, Call, Standin, answer, serve
from deploy.sandbox.tiktok_talk import BUSINESS, Conversation
from deploy.sandbox.tiktok_webhooks import Postman, envelope

APP, SECRET, REFRESH = "sandbox-app", "sandbox-secret", "sandbox-refresh"
LONGEST = 6000
A_WINDOW = 10
NEWEST = 20
_WINDOW_SECONDS = 48 * 3600
_OK, _NOT_ALLOWED, _BAD, _BLOCKED, _THROTTLED, _NO_TOKEN, _WRONG_TOKEN = 0, 40001, 40002, 40064, 40100, 40104, 40105
_BROKEN = 51065
_DAY, _YEAR = 86_400, 31_536_000


class TikTokMessages(Standin):
    """Takes texts for customers who wrote; only the code in the body tells of a refusal."""

    name = "tiktok_messages"
    endpoints: ClassVar[Mapping[str, str]] = {
        "/open_api/{version}/business/message/send/": "send",
        "GET /open_api/{version}/business/message/content/list/": "content",
        "/open_api/{version}/tt_user/oauth2/refresh_token/": "refresh",
        "/open_api/{version}/tt_user/oauth2/token/": "connect",
        "/_sandbox/wrote": "wrote",
        "/_sandbox/write": "write",
        "/_sandbox/notify": "notify",
        "/_sandbox/next": "plan",
        "/_sandbox/app": "set_up",
        "GET /_sandbox/said": "tell_said",
        "GET /_sandbox/talk": "tell_talk",
        "GET /_sandbox/notices": "tell_notices",
    }

    def __init__(self, **values: Any) -> None:
        super().__init__(**values)
        self.postman = Postman(self.clock)
        self.client = (APP, SECRET)
        self.businesses = {BUSINESS}
        self._numbers = count(1)
        self._fresh()

    def _fresh(self) -> None:
        self.conversations: dict[str, Conversation] = {}
        self.next: deque[str] = deque()
        self.refresh_token = REFRESH
        self.exchanges = 0
        self.arrivals: list[float] = []

    def forget(self) -> None:
        """Forget conversations and tokens with the rest."""
        super().forget()
        self.token = TOKEN
        self.postman.forget()
        self._fresh()

    def customer_wrote(self, conversation_id: str, at: float | None = None) -> None:
        """Open a conversation's window, and begin its count anew."""
        moment = self.clock() if at is None else at
        known = self.conversations.setdefault(conversation_id, Conversation(conversation_id, moment))
        known.wrote_at, known.sent = moment, 0

    def said(self, conversation_id: str) -> list[str]:
        """Return the texts that reached a customer, in order."""
        known = self.conversations.get(conversation_id)
        return [each["text"]["body"] for each in known.messages] if known else []

    async def send(self, call: Call) -> Response:
        """Bring a text to a customer."""
        self.arrivals.append(self.clock())
        if refusal := self._refusal_of_token(call):
            return refusal
        fault = self.next.popleft() if self.next else ""
        if fault.isdigit() and len(fault) > 3:  # noqa: PLR2004 -- a code of TikTok's, not a status of HTTP
            return self._refused(int(fault), "as it was told to say")
        try:
            body = call.json()
        except ValueError:
            return self._refused(_BAD, "The request body is not valid JSON.")
        if refusal := self._refusal_of(body):
            return refusal
        return await self._answered(self._bring(body), fault)

    async def content(self, call: Call) -> Response:
        """Tell the newest messages of a conversation, the last one first."""
        if refusal := self._refusal_of_token(call):
            return refusal
        known = self.conversations.get(call.query.get("conversation_id", ""))
        if known is None or call.query.get("business_id") != known.business:
            return self._refused(_BAD, "Param conversation_id is invalid")
        return _said(_OK, "OK", {"participants": [], "messages": known.messages[: -NEWEST - 1 : -1]})

    async def refresh(self, call: Call) -> Response:
        """Exchange a refresh token for the next pair; the old pair is taken no more."""
        body = call.json()
        if (body.get("client_id"), body.get("client_secret")) != self.client:
            return self._refused(_NOT_ALLOWED, "The client is unknown.")
        if body.get("grant_type") != "refresh_token" or body.get("refresh_token") != self.refresh_token:
            return self._refused(_BAD, "The refresh token is invalid.")
        return self._exchanged()

    async def connect(self, call: Call) -> Response:
        """Exchange the code that an account's owner came back with; any that begins with `code` is good."""
        body = call.json()
        if (body.get("client_id"), body.get("client_secret")) != self.client:
            return self._refused(_NOT_ALLOWED, "The client is unknown.")
        if not str(body.get("auth_code", "")).startswith("code") or not body.get("redirect_uri"):
            return self._refused(_BAD, "The auth code is invalid.")
        return self._exchanged()

    async def wrote(self, call: Call) -> Response:
        """Note that a customer wrote."""
        told = call.json()
        self.customer_wrote(told["conversation_id"], told.get("at"))
        return Response(status_code=204)

    async def write(self, call: Call) -> Response:
        """Have customers write, or a person of the shop in TikTok's own app; return the numbers of the messages."""
        said = [self._written(each) for each in call.json()]
        self.postman.post(body for body, _ in said)
        return answer(200, [number for _, number in said])

    async def notify(self, call: Call) -> Response:
        """Notify of anything."""
        told = call.json()
        business = told.get("business_id", BUSINESS)
        self.postman.post([envelope(self.postman.app, business, told["event"], told["content"], self.clock())])
        return Response(status_code=204)

    async def set_up(self, call: Call) -> Response:
        """Set the app up, and name the accounts that let it speak for them."""
        wanted = call.json()
        self.businesses |= set(wanted.pop("businesses", ()))
        self.postman.use(wanted)
        app = self.postman.app
        self.client = (app.client_key or self.client[0], app.client_secret or self.client[1])
        return answer(200, {"businesses": sorted(self.businesses)})

    async def plan(self, call: Call) -> Response:
        """Note what becomes of the next sends."""
        self.next = deque(str(each) for each in call.json())
        return Response(status_code=204)

    async def tell_said(self, call: Call) -> Response:
        """Tell what reached the customers, by conversation, and when a call arrived."""
        del call
        said = {name: known.messages for name, known in self.conversations.items()}
        return answer(200, {"said": said, "arrivals": self.arrivals, "exchanges": self.exchanges})

    async def tell_talk(self, call: Call) -> Response:
        """Tell what was said in a conversation, from a place on, or in each of them."""
        if "conversation_id" not in call.query:
            return answer(200, {name: each.talk for name, each in self.conversations.items()})
        known = self.conversations.get(call.query.get("conversation_id", ""))
        return answer(200, known.talk[int(call.query.get("after", 0)) :] if known else [])

    async def tell_notices(self, call: Call) -> Response:
        """Tell what became of the notifications."""
        del call
        return answer(200, self.postman.told())

    def throttled(self, retry_after_s: int) -> Response:  # noqa: ARG002 -- TikTok does not say for how long
        """Answer as TikTok does to an app that calls too often."""
        return _said(_THROTTLED, "Too many requests. Please retry in some time.")

    def broken(self) -> Response:
        """Answer as TikTok does when it fails."""
        return _said(_BROKEN, "System error")

    async def _answered(self, said: Mapping[str, Any], fault: str) -> Response:
        if fault == "hang":
            await asyncio.sleep(self.faults.hang_s)
        if fault == "lost":
            return Response(b'{"code":0,"mess', 200, media_type="application/json")
        if fault == "503":
            return self._fault(self.unavailable())
        message = {} if fault == "numberless" else {"message_id": said["message_id"]}
        return _said(_OK, "OK", {"message": message})

    def _exchanged(self) -> Response:
        self.exchanges += 1
        self.token, self.refresh_token = f"{TOKEN}-{self.exchanges}", f"{REFRESH}-{self.exchanges}"
        pair = {"access_token": self.token, "expires_in": _DAY, "refresh_token": self.refresh_token}
        return _said(_OK, "OK", {"open_id": BUSINESS, "refresh_token_expires_in": _YEAR, **pair})

    def _written(self, told: Mapping[str, Any]) -> tuple[bytes, str]:
        """Note what somebody writes in TikTok's app; return the notification of it and its number."""
        name, now = told["conversation_id"], self.clock()
        at, number = told.get("at", now), told.get("message_id") or f"in-{next(self._numbers)}"
        known = self.conversations.setdefault(name, Conversation(name, at))
        known.business, known.customer = told.get("business_id", known.business), told.get("user_id", known.customer)
        is_person = told.get("by") == "person"
        if not is_person and at >= known.wrote_at:
            self.customer_wrote(name, at)
        content = known.say("person" if is_person else "customer", number, told.get("text", ""), at, now)
        content["type"] = told.get("type", "text")
        if told.get("button"):
            content["reply_source_payload"] = {"reply_source_unique_id": told["button"]}
        event = "im_send_msg" if is_person else "im_receive_msg"
        return envelope(self.postman.app, known.business, event, content, at), number

    def _bring(self, body: Mapping[str, Any]) -> dict[str, Any]:
        known, text, at = self.conversations[body["recipient"]], body["text"]["body"], self.clock()
        known.sent += 1
        number = f"mid-{next(self._numbers)}"
        said = known.list(number, text, at)
        self.take(number, said, recognises=False)
        content = known.say("shop", number, text, at, at)
        if self.postman.app.echoes:
            self.postman.post([envelope(self.postman.app, known.business, "im_send_msg", content, at)])
        return said

    def _refusal_of_token(self, call: Call) -> Response | None:
        token = call.headers.get("access-token")
        if not token:
            return self._refused(_NO_TOKEN, "The Access-Token is empty in the header.")
        return None if self.knows(token) else self._refused(_WRONG_TOKEN, "Access token is incorrect or revoked.")

    def _refusal_of(self, body: Any) -> Response | None:
        if not isinstance(body, dict) or body.get("business_id") not in self.businesses:
            return self._refused(_NOT_ALLOWED, "No permission to operate this account.")
        if (body.get("recipient_type"), body.get("message_type")) != ("CONVERSATION", "TEXT"):
            return self._refused(_BAD, "recipient_type, message_type: not supported.")
        text = body["text"].get("body") if isinstance(body.get("text"), dict) else None
        if not isinstance(text, str) or not 0 < len(text) <= LONGEST:
            return self._refused(_BAD, f"text.body: 1 to {LONGEST} characters.")
        known = self.conversations.get(body.get("recipient", ""))
        if known is None or body["business_id"] != known.business:
            return self._refused(_BAD, "recipient: the conversation is invalid.")
        if self.clock() > known.wrote_at + _WINDOW_SECONDS or known.sent >= A_WINDOW:
            return self._refused(_BLOCKED, "The message is restricted by messaging rules.")
        return None

    def _refused(self, code: int, message: str) -> Response:
        self._memory.counts["refused"] += 1
        return _said(code, message)


def _said(code: int, message: str, data: Mapping[str, Any] | None = None) -> Response:
    return answer(200, {"code": code, "message": message, "request_id": "sandbox", "data": data or {}})


if __name__ == "__main__":
    serve(TikTokMessages())

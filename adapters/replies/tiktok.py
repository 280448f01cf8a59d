"""TikTok's Business Messaging API: one call a verb, every answer given its meaning.

Pages: https://business-api.tiktok.com/portal/docs?id=1832184403754242 (direct messages),
https://business-api.tiktok.com/portal/docs?id=1739584860883969 (tokens of TikTok accounts),
https://business-api.tiktok.com/portal/docs?id=1737172488964097 (return codes; refusals come with the status 200 too).
"""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from adapters.relay.classify import Answer, after
from adapters.relay.http import Http, body_of, redacted
from adapters.replies.port import Grant, Kind, Outcome, Said

#: What TikTok's codes mean for a message.
KINDS: Final[Mapping[int, Kind]] = {
    40001: Kind.PERMISSION,
    40002: Kind.REFUSED,  # a parameter is bad
    40007: Kind.REFUSED,  # whom it is for is gone
    40064: Kind.BLOCKED,  # window, quota or spam: which of them is not told
    40100: Kind.NOT_SENT,  # too frequent
    40102: Kind.TOKEN,
    40104: Kind.TOKEN,
    40105: Kind.TOKEN,
    40908: Kind.REFUSED,  # the file's type
    51065: Kind.NOT_SENT,  # a system error
}
_STATUSES: Final[Mapping[int, Kind]] = {
    401: Kind.TOKEN,
    403: Kind.PERMISSION,
    408: Kind.UNCERTAIN,
    429: Kind.NOT_SENT,
}
_OK = 0
#: Codes from here on are failures of TikTok's own, and what had been done by then is not told.
_THEIRS = 50000
_REASON = 500
#: Where an answer does not say how long a token lives: what the pages say.
_ACCESS_LIFE = 86_400


class TikTokMessages:
    """TikTok as it is, behind the port; `base_url` has no slash at its end."""

    def __init__(self, http: Http, base_url: str, *, client_key: str, client_secret: str) -> None:
        self._http = http
        self._base_url = base_url.rstrip("/")
        self._client_key = client_key
        self._client_secret = client_secret

    async def send(self, token: str, business_id: str, conversation_id: str, text: str) -> Outcome:
        """Say something in a conversation, once."""
        body = {
            "business_id": business_id,
            "recipient_type": "CONVERSATION",
            "recipient": conversation_id,
            "message_type": "TEXT",
            "text": {"body": text},
        }
        url = f"{self._base_url}/business/message/send/"
        answer = (await self._http.post(url, body_of(body), headers={"access-token": token})).answer
        return meaning_of(answer, secrets=(token,))

    async def recent(self, token: str, business_id: str, conversation_id: str) -> list[Said] | Outcome:
        """Return what the business said among the newest 20 messages, oldest first."""
        url = f"{self._base_url}/business/message/content/list/"
        query = {"business_id": business_id, "conversation_id": conversation_id}
        answer = (await self._http.get(url, headers={"access-token": token}, query=query)).answer
        told = _envelope(answer)
        messages = _part(told, "data").get("messages")
        if told is None or _code(told) != _OK or not isinstance(messages, list):
            return meaning_of(answer, secrets=(token,))
        said = [_said(each, business_id) for each in messages if isinstance(each, dict)]
        return sorted((each for each in said if each is not None), key=lambda each: each.at)

    async def refresh(self, refresh_token: str) -> Grant | Outcome:
        """Exchange a refresh token, which is not taken again afterwards."""
        return await self._granted(
            "refresh_token", {"grant_type": "refresh_token", "refresh_token": refresh_token}, refresh_token
        )

    async def connect(self, auth_code: str, redirect_uri: str) -> Grant | Outcome:
        """Exchange the code that an account's owner came back with."""
        wanted = {"grant_type": "authorization_code", "auth_code": auth_code, "redirect_uri": redirect_uri}
        return await self._granted("token", wanted, auth_code)

    async def _granted(self, what: str, wanted: Mapping[str, str], secret: str) -> Grant | Outcome:
        body = {"client_id": self._client_key, "client_secret": self._client_secret, **wanted}
        answer = (await self._http.post(f"{self._base_url}/tt_user/oauth2/{what}/", body_of(body))).answer
        told = _envelope(answer)
        data = _part(told, "data")
        if told is not None and _code(told) == _OK and data.get("access_token") and data.get("open_id"):
            return Grant(
                business_id=str(data["open_id"]),
                access_token=str(data["access_token"]),
                access_life=_life(data.get("expires_in")) or timedelta(seconds=_ACCESS_LIFE),
                refresh_token=str(data["refresh_token"]) if data.get("refresh_token") else None,
                refresh_life=_life(data.get("refresh_token_expires_in")),
            )
        outcome = meaning_of(answer, secrets=(secret, self._client_secret))
        if outcome.kind is Kind.UNCERTAIN:
            # Asking again is all that can be done: if the exchange had been made, the old token is refused then.
            return Outcome(kind=Kind.NOT_SENT, code=outcome.code, reason=outcome.reason)
        return outcome


def meaning_of(answer: Answer, *, secrets: tuple[str, ...] = ()) -> Outcome:
    """Return what an answer means for a message."""
    reason = redacted(answer.problem or f"{answer.status}: {answer.text[:_REASON]}", secrets)[:_REASON]
    if answer.status is None:
        return Outcome(kind=Kind.UNCERTAIN if answer.is_unknown else Kind.NOT_SENT, reason=reason)
    told = _envelope(answer)
    code = _code(told)
    if told is None or code is None:
        return Outcome(kind=_by_status(answer), code=str(answer.status), reason=reason, after=after(answer))
    if code == _OK:
        return _sent(answer, told)
    reason = redacted(f"{code}: {told.get('message', '')}", secrets)[:_REASON]
    kind = KINDS.get(code)
    if kind is None:
        kind = Kind.UNCERTAIN if code >= _THEIRS or answer.status >= 500 else Kind.REFUSED  # noqa: PLR2004 -- RFC 9110
    return Outcome(kind=kind, code=str(code), reason=reason, after=after(answer))


def _sent(answer: Answer, told: Mapping[str, Any]) -> Outcome:
    message_id = _part(_part(told, "data"), "message").get("message_id")
    if answer.is_good and isinstance(message_id, str | int) and str(message_id):
        return Outcome(kind=Kind.SENT, message_id=str(message_id), code=str(_OK))
    return Outcome(kind=Kind.UNCERTAIN, code=str(_OK), reason="TikTok took it and gave it no number")


def _by_status(answer: Answer) -> Kind:
    """Return what an answer means that has no code: of HTTP's classes alone, and not in JSON or not TikTok's."""
    assert answer.status is not None
    if answer.is_good or answer.status >= 500:  # noqa: PLR2004 -- RFC 9110, 15.6
        return Kind.UNCERTAIN
    # A redirect is not followed, and whoever sends one has done nothing yet.
    return _STATUSES.get(answer.status, Kind.NOT_SENT if answer.status < 400 else Kind.REFUSED)  # noqa: PLR2004


def _envelope(answer: Answer) -> Mapping[str, Any] | None:
    told = answer.json()
    return told if isinstance(told, dict) else None


def _code(told: Mapping[str, Any] | None) -> int | None:
    code = told.get("code") if told is not None else None
    if isinstance(code, bool) or not isinstance(code, int | str):
        return None
    try:
        return int(code)
    except ValueError:
        return None


def _part(told: Mapping[str, Any] | None, name: str) -> Mapping[str, Any]:
    part = told.get(name) if told is not None else None
    return part if isinstance(part, dict) else {}


def _said(message: Mapping[str, Any], business_id: str) -> Said | None:
    sender = _part(message, "from_user")
    is_ours = sender.get("id") == business_id or str(sender.get("role", "")).lower() == "business_account"
    text, number = _part(message, "text").get("body"), message.get("message_id")
    if not is_ours or not isinstance(text, str) or not isinstance(number, str | int):
        return None
    try:
        at = datetime.fromtimestamp(int(message["timestamp"]) / 1000, UTC)
    except (KeyError, TypeError, ValueError, OverflowError, OSError):
        return None
    return Said(str(number), text, at)


def _life(seconds: Any) -> timedelta | None:
    try:
        return timedelta(seconds=max(float(seconds), 1))
    except (TypeError, ValueError, OverflowError):
        return None

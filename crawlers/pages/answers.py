"""What the answers of the site's own calls mean: `{"code": 0, "message": …, "data": …}`, or why not."""

from datetime import timedelta
from typing import Any

from playwright.async_api import Error, Response

from crawlers.errors import (
    Banned,
    CrawlError,
    PageChanged,
    PuzzleShown,
    SessionLost,
    SiteFailed,
    Throttled,
)

_UNAUTHORIZED, _TOO_MANY, _BROKEN = 401, 429, 500  # RFC 9110 and 6585
#: Nobody means more than that.
_LONGEST_PATIENCE = timedelta(days=1)
#: Codes of refusals, and words of their messages where the code is another one.
_BY_CODE: dict[int, type[CrawlError]] = {
    10_000: PuzzleShown,
    100_002: SessionLost,
    98_001_001: Banned,
    36_009_009: Throttled,
}
_BY_WORD: tuple[tuple[str, type[CrawlError]], ...] = (
    ("verify", PuzzleShown),
    ("captcha", PuzzleShown),
    ("suspended", Banned),
    ("banned", Banned),
    ("log in", SessionLost),
    ("session", SessionLost),
    ("too many", Throttled),
    ("too frequent", Throttled),
)


async def judged(response: Response, *, may_be_gone: bool = False) -> dict[str, Any]:
    """Return the data of an answer; raises what it means otherwise.

    A page that goes elsewhere takes its answers' bodies along: `may_be_gone` then takes a good status for a yes.
    """
    if response.status == _TOO_MANY:
        raise Throttled(f"{_path(response)} answered 429", _asked_patience(response))
    if response.status == _UNAUTHORIZED:
        raise SessionLost(f"{_path(response)} answered 401")
    try:
        said = await response.json()
    except (Error, ValueError) as error:
        if may_be_gone and response.ok:
            return {}
        raise SiteFailed(f"{_path(response)} answered {response.status}, and no JSON") from error
    if not isinstance(said, dict):
        raise PageChanged(f"{_path(response)} answered something else than an object")
    if refusal := _refusal(response, said):
        raise refusal
    data = said.get("data")
    return data if isinstance(data, dict) else {}


def _refusal(response: Response, said: dict[str, Any]) -> CrawlError | None:
    code, message = said.get("code", 0), str(said.get("message") or "")
    if code == 0 and response.status < 400:  # noqa: PLR2004 -- RFC 9110, 15.5
        return None
    reason = f"{_path(response)} answered {response.status}, code {code}: {message[:200]}"
    known = _BY_CODE.get(code)
    if known is None and response.status < _BROKEN:  # what has broken down says anything
        known = next((kind for word, kind in _BY_WORD if word in message.lower()), None)
    return (known or SiteFailed)(reason)


def _asked_patience(response: Response) -> timedelta | None:
    after = response.headers.get("retry-after", "")
    return min(timedelta(seconds=int(after[:9])), _LONGEST_PATIENCE) if after.isdecimal() else None


def _path(response: Response) -> str:
    return response.url.partition("?")[0].partition("//")[2].partition("/")[2]

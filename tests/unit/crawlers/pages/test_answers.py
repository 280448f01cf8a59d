"""What the answers of the site's calls mean."""

from datetime import timedelta
from typing import Any

import pytest

from crawlers.errors import Banned, PageChanged, PuzzleShown, SessionLost, SiteFailed, Throttled
from crawlers.pages.answers import judged


class Answer:
    def __init__(self, body: Any, status: int = 200, **headers: str) -> None:
        self.status = status
        self.ok = status < 400
        self.headers = {name.replace("_", "-"): value for name, value in headers.items()}
        self.url = "https://site.example/api/v1/list?x=1"
        self._body = body

    async def json(self) -> Any:
        if isinstance(self._body, Exception):
            raise self._body
        return self._body


async def judge(answer: Answer, **how: bool) -> dict[str, Any]:
    return await judged(answer, **how)  # type: ignore[arg-type]


async def test_a_good_answer_is_its_data() -> None:
    assert await judge(Answer({"code": 0, "data": {"list": []}})) == {"list": []}
    assert await judge(Answer({"code": 0, "data": None})) == {}


@pytest.mark.parametrize(
    ("answer", "meaning"),
    [
        (Answer({}, 401), SessionLost),
        (Answer({"code": 100002, "message": "x"}), SessionLost),
        (Answer({"code": 7, "message": "Please log in first"}), SessionLost),
        (Answer({"code": 10000, "message": "x"}), PuzzleShown),
        (Answer({"code": 7, "message": "Please verify"}), PuzzleShown),
        (Answer({"code": 98001001, "message": "x"}, 403), Banned),
        (Answer({"code": 7, "message": "this profile is private"}, 403), SiteFailed),
        (Answer({"code": 7, "message": "account suspended"}, 403), Banned),
        (Answer({"code": 7, "message": "failed to save session"}, 500), SiteFailed),
        (Answer({"code": 100002, "message": "x"}, 500), SessionLost),
        (Answer({"code": 36009009, "message": "x"}), Throttled),
        (Answer({"code": 7, "message": "internal"}, 500), SiteFailed),
        (Answer({"code": 100400, "message": "no tab"}, 400), SiteFailed),
        (Answer(ValueError("no JSON"), 502), SiteFailed),
        (Answer([1, 2]), PageChanged),
    ],
)
async def test_every_refusal_has_a_meaning(answer: Answer, meaning: type[Exception]) -> None:
    with pytest.raises(meaning):
        await judge(answer)


async def test_a_site_that_is_asked_too_fast_says_for_how_long() -> None:
    with pytest.raises(Throttled) as refusal:
        await judge(Answer({}, 429, retry_after="30"))
    assert refusal.value.after == timedelta(seconds=30)
    with pytest.raises(Throttled) as long:
        await judge(Answer({}, 429, retry_after="9" * 40))
    assert long.value.after == timedelta(days=1)
    with pytest.raises(Throttled) as silent:
        await judge(Answer({}, 429))
    assert silent.value.after is None


async def test_a_body_that_went_with_its_page_is_a_yes_where_that_is_expected() -> None:
    assert await judge(Answer(ValueError("gone")), may_be_gone=True) == {}
    with pytest.raises(SiteFailed):
        await judge(Answer(ValueError("gone"), 500), may_be_gone=True)

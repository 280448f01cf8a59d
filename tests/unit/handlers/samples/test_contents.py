"""What makes two rows the same content."""

import pytest

from handlers.samples.contents import content_key
from schemas.samples.rows import Promotion


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (Promotion("video", None, "a", "2026-01-09 18:22"), Promotion("1", None, "b", "2026-01-09 18:22")),
        (Promotion("Live", None, "a", "2026-01-09"), Promotion("2", None, "a", "2026-01-09")),
        (Promotion("video"), Promotion("VIDEO")),
    ],
)
def test_the_same_content(one: Promotion, other: Promotion) -> None:
    assert content_key(one) == content_key(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (Promotion("video", None, "a", "2026-01-09"), Promotion("video", None, "b", "2026-01-09")),
        (Promotion("video", None, "a", "2026-01-09 18:22"), Promotion("live", None, "a", "2026-01-09 18:22")),
        (Promotion("story", None, "a"), Promotion("photo", None, "a")),
    ],
)
def test_different_contents(one: Promotion, other: Promotion) -> None:
    assert content_key(one) != content_key(other)


def test_a_key_fits_its_column() -> None:
    long = Promotion("video", None, "n" * 255, "t" * 255)

    assert len(content_key(long)) <= 400
    assert content_key(long) != content_key(long._replace(promotion_name="m" * 255))

"""What crawls keep in files; the same scenarios on Redis are in `tests/contract/test_crawl_shelf.py`."""

from datetime import timedelta
from pathlib import Path

from crawlers.shelf import FileShelf


async def test_nobody_else_may_read_what_is_kept(tmp_path: Path) -> None:
    shelf = FileShelf(tmp_path / "shelf")
    await shelf.put("session:MX/1", b"cookies", timedelta(days=1))
    (kept,) = (tmp_path / "shelf").glob("*.json")
    assert kept.stat().st_mode & 0o077 == 0
    assert (tmp_path / "shelf").stat().st_mode & 0o077 == 0
    assert b"cookies" not in kept.read_bytes()  # not by a careless grep


async def test_a_file_that_was_cut_short_is_nothing(tmp_path: Path) -> None:
    shelf = FileShelf(tmp_path)
    await shelf.put("cursor:1", b"x", timedelta(days=1))
    next(tmp_path.glob("*.json")).write_text('{"token": 1, "unt')
    assert await shelf.get("cursor:1") is None
    await shelf.put("cursor:1", b"y", timedelta(days=1))
    assert await shelf.get("cursor:1") == b"y"


async def test_names_that_look_alike_are_kept_apart_and_a_long_one_is_kept(tmp_path: Path) -> None:
    shelf = FileShelf(tmp_path)
    names = ["cursor:a:b", "cursor:a/b", "cursor:México 1", "cursor:Mèxico 1", "cursor:" + "x" * 300]
    for name in names:
        await shelf.put(name, name.encode(), timedelta(days=1))
    assert [await shelf.get(name) for name in names] == [name.encode() for name in names]


async def test_what_has_expired_is_removed_when_something_new_is_kept(tmp_path: Path) -> None:
    shelf = FileShelf(tmp_path)
    await shelf.put("cursor:old", b"x", timedelta(seconds=-1))
    await shelf.put("cursor:kept", b"y", timedelta(days=1))
    await shelf.put("cursor:new", b"z", timedelta(days=1))
    assert len(list(tmp_path.glob("*.json"))) == 2

from brokers.sizing import ASSUMED, BUDGET, ENOUGH, Sizing


def _after(sizing: Sizing, size: int, count: int) -> bool:
    return [sizing.note(size) for _ in range(count)][-1]


def test_it_begins_with_what_pages_of_a_crawl_need() -> None:
    assert Sizing(2000).prefetch == BUDGET // ASSUMED


def test_small_messages_earn_the_whole_prefetch() -> None:
    sizing = Sizing(2000)
    assert not _after(sizing, 500, ENOUGH - 1)
    assert sizing.note(500)
    sizing.settle()
    assert sizing.prefetch == 2000
    assert not _after(sizing, 500, 1000)


def test_large_messages_are_held_one_at_a_time() -> None:
    sizing = Sizing(2000)
    _after(sizing, 20_000_000, 200)
    sizing.settle()
    assert sizing.prefetch == 1


def test_a_prefetch_is_not_changed_for_a_trifle() -> None:
    sizing = Sizing(2000)
    assert not _after(sizing, int(ASSUMED * 1.5), 1000)

from mesh.bench.figures import Account
from mesh.bench.refusing import Call
from mesh.bench.retry import account, apart, lateness

GOOD: list[Call] = [("a", 1, 0.0), ("b", 1, 1.0), ("a", 2, 4.1), ("b", 2, 5.0), ("a", 3, 11.4), ("b", 3, 12.0)]


def test_lateness_is_what_an_attempt_began_later_than_its_delay_after_the_one_before() -> None:
    late = lateness(GOOD, (4, 7))
    assert [round(each, 3) for each in late[4]] == [0.1, 0]
    assert [round(each, 3) for each in late[7]] == [0.3, 0]


def test_where_an_attempt_is_missing_nothing_is_said_of_the_next() -> None:
    assert lateness([("a", 1, 0.0), ("a", 3, 11.0)], (4, 7)) == {4: [], 7: []}


def test_every_attempt_and_every_effect_is_counted() -> None:
    assert account(["a", "b"], GOOD, stored=2, attempts=3) == Account(expected=8)


def test_an_attempt_that_was_not_made_is_lost_and_one_made_again_duplicated() -> None:
    assert account(["a", "b"], GOOD[:-1], stored=1, attempts=3) == Account(expected=8, lost=2)
    assert account(["a", "b"], [*GOOD, ("a", 2, 4.2)], stored=2, attempts=3) == Account(expected=8, duplicated=1)
    assert account(["a", "b"], [*GOOD, ("a", 4, 20.0)], stored=2, attempts=3) == Account(expected=8, duplicated=1)


def test_all_at_once_the_first_comes_back_after_the_last_has_failed_and_passes_one_level() -> None:
    assert apart(20) == (4, 4)
    assert apart(20_000) == (64, 64)

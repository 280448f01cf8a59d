from datetime import date
from uuid import UUID

from brokers.outgoing import new_message_id
from handlers.samples.identities import log_id, random_id

DAY = date(2026, 1, 2)


def test_ids_made_by_chance_are_in_the_order_of_time_and_never_alike() -> None:
    made = [random_id() for _ in range(2000)]
    assert len(set(made)) == len(made)
    beginnings = [each[:13] for each in made]
    assert beginnings == sorted(beginnings)
    assert {UUID(each).version for each in made} == {7}


def test_a_log_has_the_same_id_whenever_its_message_comes_again_that_day() -> None:
    message = new_message_id()
    assert log_id("sample", message, DAY, 3) == log_id("sample", message, DAY, 3)


def test_logs_of_other_rows_days_kinds_and_messages_have_other_ids() -> None:
    message = new_message_id()
    several = {
        log_id(kind, each, day, row)
        for kind in ("sample", "content")
        for each in (message, new_message_id(), "page 1", "page 2")
        for day in (DAY, date(2026, 1, 3))
        for row in range(50)
    }
    assert len(several) == 2 * 4 * 2 * 50


def test_logs_lie_in_the_order_of_their_messages() -> None:
    messages = ["0199aaaa-0000-7000-8000-000000000000", "0199aaaa-0001-7fff-8000-000000000000"]
    logs = [log_id("sample", each, DAY, row) for each in messages for row in range(100)]
    assert [each[:13] for each in logs] == sorted(each[:13] for each in logs)


def test_logs_of_a_message_that_somebody_else_named_lie_together() -> None:
    assert len({log_id("sample", "my page 7", DAY, row)[:13] for row in range(100)}) == 1

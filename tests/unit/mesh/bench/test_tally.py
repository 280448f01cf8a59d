from pathlib import Path

from mesh.bench.tally import Tally, file_in, read


def test_nothing_is_told_until_every_message_has_come(tmp_path: Path) -> None:
    tally = Tally(3, file_in(tmp_path))
    tally.note(0)
    tally.note(2)
    assert read(tmp_path) is None
    tally.note(1)
    told = read(tmp_path)
    assert told is not None
    assert (told["received"], told["distinct"]) == (3, 3)
    assert told["seconds"] > 0


def test_what_comes_twice_is_received_once_more_and_takes_no_other_message_s_place(tmp_path: Path) -> None:
    tally = Tally(2, file_in(tmp_path))
    tally.note(0)
    tally.note(0)
    assert read(tmp_path) is None
    tally.note(1)
    assert (read(tmp_path) or {})["received"] == 3


def test_the_last_word_knows_of_what_came_after_the_rest_had_come(tmp_path: Path) -> None:
    tally = Tally(1, file_in(tmp_path))
    tally.note(0)
    tally.note(0)
    tally.write()
    assert (read(tmp_path) or {})["received"] == 2


def test_what_never_came_is_missing_from_the_last_word(tmp_path: Path) -> None:
    tally = Tally(5, file_in(tmp_path))
    tally.note(4)
    tally.write()
    assert read(tmp_path) == {"received": 1, "distinct": 1, "seconds": None}

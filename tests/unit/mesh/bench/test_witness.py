from pathlib import Path

from mesh.bench.witness import GROUPS, SINGLY, Witness, seen


def test_a_message_that_came_twice_was_committed_the_first_time(tmp_path: Path) -> None:
    witness = Witness()
    witness.commits += [(1.0, ["a", "b"]), (2.0, ["b", "c"])]
    witness.write(tmp_path / "commits.json")
    assert seen(tmp_path / "commits.json") == {"a": 1.0, "b": 1.0, "c": 2.0}


def test_both_ways_consume_the_same_queue() -> None:
    groups, singly = Witness().route(GROUPS).queue, Witness().route(SINGLY).queue
    assert groups.name == singly.name
    assert groups.batch is not None
    assert singly.batch is None

"""Logs speak of the work and never stop it."""

import errno
import io
import logging

import structlog

from mesh import logs


class FullDisk(io.StringIO):
    """A stream that takes nothing while it is full."""

    is_full = True

    def write(self, text: str) -> int:
        if self.is_full:
            raise OSError(errno.ENOSPC, "No space left on device")
        return super().write(text)


def test_a_full_disk_costs_log_lines_and_nothing_else() -> None:
    disk = FullDisk()
    logs.configure("info", "json", disk)
    structlog.get_logger().error("lost")
    logging.getLogger("some.library").error("lost too")
    disk.is_full = False
    structlog.get_logger().error("there_is_room")
    logging.getLogger("some.library").error("for them too")
    said = disk.getvalue()
    assert "lost" not in said
    assert "there_is_room" in said
    assert "for them too" in said


class Writes(io.StringIO):
    """A stream that keeps what each write brought."""

    def __init__(self) -> None:
        super().__init__()
        self.all: list[str] = []

    def write(self, text: str) -> int:
        self.all.append(text)
        return super().write(text)


def test_a_line_is_one_write_so_that_processes_which_share_a_file_do_not_tear_each_others() -> None:
    stream = Writes()
    logs.configure("info", "json", stream)
    structlog.get_logger().error("one")
    logging.getLogger("some.library").error("two")
    assert len(stream.all) == 2
    assert all(text.endswith("\n") for text in stream.all)


def test_what_was_in_hand_when_something_failed_is_not_told() -> None:
    written = io.StringIO()
    for form in ("console", "json"):
        logs.configure("info", form, written)
        _fail("what a customer wrote")
    assert "ZeroDivisionError" in written.getvalue()
    assert "what a customer wrote" not in written.getvalue()


def _fail(text: str) -> None:
    try:
        1 / len(text[:0])
    except ZeroDivisionError:
        structlog.get_logger().exception("it_failed")
        logging.getLogger("some.library").exception("it failed too")

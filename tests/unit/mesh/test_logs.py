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

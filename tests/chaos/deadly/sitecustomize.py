"""Loaded by Python as a worker of the crash-loop scenario starts: a message from the source `deadly` kills it."""

import os
import signal
from typing import Any

from handlers.samples import handler

_read = handler.read


def _read_or_die(delivery: Any) -> Any:
    if delivery.message.source == "deadly":
        os.kill(os.getpid(), signal.SIGKILL)
    return _read(delivery)


handler.read = _read_or_die

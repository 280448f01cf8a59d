"""How every process of the mesh logs: structlog, JSON or console, with the libraries' own records in the same form."""

import contextlib
import logging
import sys
from typing import Any, TextIO, cast

import orjson
import structlog

#: Libraries whose records tell what our own logs already say better, or say it once a message.
QUIET = {"aiormq": logging.CRITICAL, "asyncio": logging.ERROR, "uvicorn": logging.WARNING, "alembic": logging.WARNING}


def configure(level: str, form: str, stream: TextIO | None = None) -> None:
    """Set up logging of this process, to standard error unless told otherwise; `form` is "json" or "console"."""
    stream = stream or sys.stderr
    steady = cast("TextIO", _Steady(stream))
    threshold = logging.getLevelNamesMapping()[level.upper()]
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.StackInfoRenderer(),
    ]
    if form == "json":
        rendering: list[Any] = [structlog.processors.format_exc_info, structlog.processors.JSONRenderer(_dumps)]
    else:
        plain = structlog.dev.plain_traceback  # the default one shows locals: texts of customers, tokens
        rendering = [structlog.dev.ConsoleRenderer(colors=stream.isatty(), exception_formatter=plain)]
    structlog.configure(
        processors=[*shared, *rendering],
        wrapper_class=structlog.make_filtering_bound_logger(threshold),
        logger_factory=structlog.WriteLoggerFactory(steady),
    )
    handler = logging.StreamHandler(steady)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[*shared, structlog.stdlib.add_logger_name],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *rendering],
        )
    )
    logging.basicConfig(handlers=[handler], level=max(threshold, logging.INFO), force=True)
    for name, quiet in QUIET.items():
        logging.getLogger(name).setLevel(quiet)


class _Steady:
    """A stream on which a full disk costs log lines, and not the work that they speak of."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> None:
        """Write, or drop."""
        with contextlib.suppress(OSError):
            self._stream.write(text)

    def flush(self) -> None:
        """Flush, or leave it for later."""
        with contextlib.suppress(OSError):
            self._stream.flush()


def _dumps(event: Any, default: Any) -> str:
    return orjson.dumps(event, default=default).decode()

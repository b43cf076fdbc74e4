"""Logs: one line of `key=value` text an event, on standard error."""

import logging
import sys

import structlog

from domain.text.signs import signs


def _as_signs(_: object, __: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
    """No line of the log says anything to a terminal, whatever a host or a ticket said."""
    return {key: signs(value) if isinstance(value, str) else value for key, value in event.items()}


def set_up_logging(level: str) -> None:
    """Send all logging through structlog; colours only on a terminal."""
    renderer = (
        structlog.dev.ConsoleRenderer(colors=True) if sys.stderr.isatty() else structlog.processors.LogfmtRenderer()
    )
    handler = logging.StreamHandler()
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[
                structlog.stdlib.add_logger_name,
                structlog.stdlib.add_log_level,
                structlog.stdlib.ExtraAdder(),
                structlog.processors.TimeStamper(fmt="iso"),
                structlog.processors.format_exc_info,
            ],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, _as_signs, renderer],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    for chatty in ("asyncssh", "httpx"):
        logging.getLogger(chatty).setLevel(logging.WARNING)

"""Logging of the supervisor and the monitor: structured lines on standard error, for people or for machines.

structlog brings rich with it. A supervisor whose start goes well says nothing before its workers serve, so there it is
imported with the first line.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    import structlog

Style = Literal["console", "json"]
_before_first_line: list[Callable[[], None]] = []


class LazyLog:
    """A logger of structlog, which is imported, and set up as ``set_up_logs_lazily`` was told, with its first line."""

    def __getattr__(self, level: str) -> Any:
        import structlog

        while _before_first_line:
            _before_first_line.pop()()
        return getattr(structlog.get_logger(), level)


def set_up_logs_lazily(style: Style, process: str) -> None:
    """As ``set_up_logs``, once a ``LazyLog`` has something to say."""
    _before_first_line[:] = [partial(set_up_logs, style, process)]


def set_up_logs(style: Style, process: str) -> None:
    """Every line bears the time, its level and the process it came from."""
    import structlog

    renderer: structlog.types.Processor = (
        structlog.processors.JSONRenderer()
        if style == "json"
        else structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
    )
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            renderer,
        ],
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=False,
    )
    structlog.contextvars.bind_contextvars(process=process)

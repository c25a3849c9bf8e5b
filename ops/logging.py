"""One log for the whole process: structlog's and the standard library's lines, as text or JSON, without signed links.

A signed link is a key for as long as it lives, and logs are read by more people than may read the file. So the query of
every URL that carries a signature is cut from the finished line, whoever logged it: a traceback of `urllib3`, too.
"""

from __future__ import annotations

import logging
import re
import sys
from typing import Literal, TextIO

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

SIGNED_QUERY = re.compile(r"\?[^\s\"'<>\\]*signature(?:=|%3D)[^\s\"'<>\\]*", re.IGNORECASE)
"""A query with `X-Amz-Signature` (SigV4, "Authenticating requests: using query parameters") or our own `signature`."""
SIGNATURE = re.compile(r"(signature(?:=|%3D))[^\s\"'<>\\&]+", re.IGNORECASE)

ADOPTED = ("uvicorn", "streamlit", "websockets", "py.warnings")
"""Loggers, with all below them, that come with handlers of their own."""

QUIET = (
    "alembic.runtime.plugins",
    "asyncio",
    "fsspec",
    "httpcore",
    "multipart",
    "python_multipart",
    "urllib3",
    "uvicorn.access",
    "watchdog",
)
"""Loggers held to warnings: what they say below is about themselves, or stands in our own request log already."""

DISCREET = ("uvicorn", "uvicorn.error", "websockets")
"""Loggers that, with all below them, never say more than at info: at debug they write down the headers and frames of
websockets, and with them every visitor's cookie."""


def configure(*, level: str, form: Literal["text", "json"], stream: TextIO | None = None) -> None:
    """Send every log line of this process to `stream` (default: standard error).

    Call it again after a library has set up its own loggers: it takes those over as well.
    """
    out = stream or sys.stderr
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.PositionalArgumentsFormatter(),
            structlog.processors.StackInfoRenderer(),
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
    )
    handler = logging.StreamHandler(out)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[*shared, structlog.stdlib.ExtraAdder(), _without_colours],
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                *_rendering(form, out),
                without_signed_links,
            ],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    for name in [*ADOPTED, *logging.root.manager.loggerDict]:
        if name.split(".")[0] in ADOPTED or name in ADOPTED:
            _hand_over(logging.getLogger(name))
    for name in QUIET:
        logging.getLogger(name).setLevel(max(logging.WARNING, root.level))
    for name in DISCREET:
        logging.getLogger(name).setLevel(max(logging.INFO, root.level))
    logging.captureWarnings(True)


def without_signed_links(_: WrappedLogger, __: str, line: EventDict | str) -> str:
    """The last step of a line: cuts what a signed URL has behind its `?`, and a signature that stands alone."""
    return SIGNATURE.sub(r"\1…", SIGNED_QUERY.sub("?…", str(line)))


def _rendering(form: Literal["text", "json"], out: TextIO) -> list[Processor]:
    if form == "json":
        return [
            structlog.processors.format_exc_info,
            structlog.processors.EventRenamer("message"),
            structlog.processors.JSONRenderer(ensure_ascii=False),
        ]
    # Plain tracebacks: the pretty ones print local variables, and those hold secrets.
    return [structlog.dev.ConsoleRenderer(colors=out.isatty(), exception_formatter=structlog.dev.plain_traceback)]


def _without_colours(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    # uvicorn says some lines twice: as a message, and once more with escape sequences for a terminal.
    event.pop("color_message", None)
    return event


def _hand_over(logger: logging.Logger) -> None:
    """Let a library's lines reach the one handler on the root, at the level set there."""
    logger.handlers.clear()
    logger.propagate = True
    logger.setLevel(logging.NOTSET)

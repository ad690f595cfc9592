"""Log lines on standard error: structured, with no token of an address and no local variable."""

import logging
import re
import sys
from collections.abc import Mapping
from typing import Final

import structlog
from structlog.typing import Processor

from gatepass.errors import SettingsRejected

_ACCESS_PATH = 2
_ACCESS_ARGUMENTS = 5
_ACCESS_METHOD = 1
_TOKEN = re.compile(r"[\w-]{8,}\.[\w-]{8,}\.[\w-]{8,}|[\w-]{20,}")
"""A token, or a part of one, an id or another secret: a long text without blanks."""
_LEVEL: Final = "GATEPASS_LOG_LEVEL"
_LEVELS: Final = {
    "debug": logging.DEBUG,
    "info": logging.INFO,
    "warning": logging.WARNING,
    "error": logging.ERROR,
}
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"})


class WithoutTokens(logging.Filter):
    """Cuts query strings, tokens and made-up methods from uvicorn's access lines."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Keep every line, shortened: people put tokens into any part of an address."""
        arguments = record.args
        if isinstance(arguments, tuple) and len(arguments) == _ACCESS_ARGUMENTS:
            shown = list(arguments)
            shown[_ACCESS_PATH] = _TOKEN.sub("(hidden)", str(shown[_ACCESS_PATH]).partition("?")[0])
            if shown[_ACCESS_METHOD] not in _METHODS:
                shown[_ACCESS_METHOD] = "(unknown)"
            record.args = tuple(shown)
        return True


def read_level(environ: Mapping[str, str]) -> int:
    """The level of `GATEPASS_LOG_LEVEL`; `info` by default.

    Raises:
        SettingsRejected: The level is unknown.
    """
    level = _LEVELS.get(environ.get(_LEVEL) or "info")
    if level is None:
        raise SettingsRejected(f"{_LEVEL} is one of {', '.join(_LEVELS)}")
    return level


def configure_logs(*, as_json: bool, level: int = logging.INFO) -> None:
    """Send this program's, uvicorn's and the library's lines to standard error.

    `debug` is for lines of gatepass alone: those of drivers and libraries may hold what they send.
    """
    shared: list[Processor] = [
        structlog.stdlib.add_log_level,
        structlog.stdlib.ExtraAdder(allow=()),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    ends: list[Processor] = [structlog.stdlib.ProcessorFormatter.remove_processors_meta]
    if as_json:
        ends += [structlog.processors.format_exc_info, structlog.processors.JSONRenderer()]
    else:
        ends += [
            structlog.dev.ConsoleRenderer(
                colors=sys.stderr.isatty(), exception_formatter=structlog.dev.plain_traceback
            )
        ]
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(foreign_pre_chain=shared, processors=ends)
    )
    logging.basicConfig(handlers=[handler], level=max(level, logging.INFO), force=True)
    logging.getLogger("gatepass").setLevel(level)
    logging.getLogger("gatepass.events").setLevel(logging.INFO)  # they are an option of their own
    logging.getLogger("uvicorn.access").addFilter(WithoutTokens())
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )

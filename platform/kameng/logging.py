"""JSON logs on standard error, with personal data and secrets masked before they are written."""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Mapping, MutableMapping
from datetime import UTC, datetime
from json.encoder import encode_basestring as _quoted
from typing import Any

import structlog

from kameng.log_writer import LaterRecord, Stderr
from kameng.settings import Settings

SECRET_NAMES = re.compile(
    r"password|passwd|secret|token|authorization|cookie|signature|totp|cipher|private|api_?key"
    r"|card_(?:no|number|code)|id_card",
    re.IGNORECASE,
)
HIDDEN = "***"
ACCESS = "kameng.access"
ACCESS_FACTS = ("method", "route", "status", "ms", "ip", "station", "request_id")
_ID_CARD = re.compile(r"(?<!\d)(\d{3})\d{11}(\d{3}[\dXx])(?![\dXx])")
_PHONE = re.compile(r"(?<!\d)(?:\+?86)?(1[3-9]\d)\d{4}(\d{4})(?!\d)")
# Both begin where a word begins: tried from each letter of a long word, they took seconds.
_CARD_LINE = re.compile(r"(?<!\S)\S+?----\S+")
_ASSIGNED = re.compile(
    r"(?i)\b(password|secret|token|sign|signature|key|authorization)(['\"]?\s*[=:]\s*['\"]?)"
    r"(?:Bearer\s+|Basic\s+)?[^\s&'\",}]+"
)
_URL_LOGIN = re.compile(r"((?<!\w)\w+://[^\s:/@]*):[^\s@/]+@")

Event = MutableMapping[str, Any]


_LONG_NUMBER = re.compile(r"\d{11}")
# Made by the log itself.
OWN_NAMES = frozenset({"timestamp", "level", "logger", "method", "status", "ms", "station"})


def mask_text(text: str) -> str:
    """Hide phones, identity cards, card lines, tokens and passwords inside any text."""
    # Each rule is asked only where it can find something: most texts of a log are short words.
    if "----" in text:
        text = _CARD_LINE.sub(HIDDEN, text)
    if _LONG_NUMBER.search(text):
        text = _ID_CARD.sub(r"\1***********\2", text)
        text = _PHONE.sub(r"\1****\2", text)
    if "://" in text:
        text = _URL_LOGIN.sub(r"\1:***@", text)
    if "=" in text or ":" in text:
        text = _ASSIGNED.sub(rf"\1\2{HIDDEN}", text)
    return text


def mask_value(value: Any, name: str = "") -> Any:
    """The same for any value of a log event, by its name and by its content."""
    if name and SECRET_NAMES.search(name):
        return HIDDEN
    if isinstance(value, str):
        return mask_text(value)
    if isinstance(value, dict):
        return {key: mask_value(item, str(key)) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [mask_value(item) for item in value]
    return value


def mask_event(_logger: object, _method: str, event: Event) -> Event:
    """structlog processor: mask every value."""
    return {
        name: value if name in OWN_NAMES and type(value) in (str, int) else mask_value(value, name)
        for name, value in event.items()
    }


class AccessRecord(LaterRecord):
    """One answered request; without what the library finds out about thread, process and code."""

    def __init__(self, facts: Mapping[str, Any]) -> None:
        self.__dict__.update(_ANSWERED)
        self.__dict__.update(facts)
        self.created = time.time()


_ANSWERED = vars(
    logging.makeLogRecord(
        {"name": ACCESS, "msg": "request", "levelname": "INFO", "levelno": logging.INFO}
    )
)
_BARE = len(_ANSWERED)  # of a record to which nothing was added


class Lines(structlog.stdlib.ProcessorFormatter):
    """The chain of processors; the plain lines of a log are written without it.

    They are most of a log and all alike, and the chain costs a tenth of a short request.
    """

    def format(self, record: logging.LogRecord) -> str:
        """One line of JSON."""
        if isinstance(record, AccessRecord):
            return f"{_plain_part(record)}, {_access_part(record)}}}"
        if structlog.contextvars.get_contextvars():
            return super().format(record)
        if len(vars(record)) == _BARE and type(record.msg) is str and not record.exc_info:
            return f"{_plain_part(record)}}}"
        return super().format(record)


def _plain_part(record: logging.LogRecord) -> str:
    """As the chain would write it, but for the closing bracket."""
    at = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="microseconds")[:-6]
    return (
        f'{{"event": {_quoted(mask_text(record.getMessage()))}, "logger": {_quoted(record.name)}, '
        f'"level": "{record.levelname.lower()}", "timestamp": "{at}Z"'
    )


def _access_part(record: logging.LogRecord) -> str:
    facts = []
    for name in ACCESS_FACTS:
        value = getattr(record, name)
        if isinstance(value, str):
            shown = _quoted(value if name == "method" else mask_text(value))
        else:
            shown = "null" if value is None else str(value)
        facts.append(f'"{name}": {shown}')
    return ", ".join(facts)


def configure_logging(settings: Settings) -> None:
    """Send structlog and the standard library's logging through the same mask to stderr."""
    _forget_origins()
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    handler = Stderr()
    handler.setFormatter(
        Lines(
            foreign_pre_chain=[*shared, structlog.stdlib.ExtraAdder()],
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                mask_event,
                structlog.processors.JSONRenderer(ensure_ascii=False),
            ],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(settings.log_level.upper())
    for chatty in ("alembic", "httpx", "httpcore", "stripe"):
        logging.getLogger(chatty).setLevel(logging.WARNING)


def _forget_origins() -> None:
    """Let records not find out which code, thread and process they come from: no line shows it."""
    logging._srcfile = None  # see "Optimization" in the library's HOWTO
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False

"""JSON logs on standard error, with personal data and secrets masked before they are written."""

from __future__ import annotations

import logging
import os
import re
import sys
import threading
import time
from collections import deque
from collections.abc import Mapping, MutableMapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from json.encoder import encode_basestring as _quoted
from typing import Any

import structlog

from kameng.settings import Settings

SECRET_NAMES = re.compile(
    r"password|passwd|secret|token|authorization|cookie|signature|totp|cipher|private|api_?key"
    r"|card_(?:no|number|code)|id_card",
    re.IGNORECASE,
)
HIDDEN = "***"
ACCESS = "kameng.access"
LATER_S, MOST_KEPT = 0.05, 500
PIECE = 3_500  # a pipe keeps 4,096 bytes together; lines of requests are nearly all ASCII
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


class AccessRecord(logging.LogRecord):
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


class Stderr(logging.Handler):
    """Writes each line by one call of the kernel, so that threads need not wait for each other.

    Of answered requests many lines are written together, a moment later: a web process that dies
    by force takes those of its last moment along. Any other line is written at once, after them.
    """

    def __init__(self) -> None:
        super().__init__()
        self._later: deque[logging.LogRecord] = deque()
        self._bell = threading.Event()
        self._writer: threading.Thread | None = None
        self._starting = threading.Lock()
        os.register_at_fork(after_in_child=self._forget)
        self._stream = sys.stderr
        # A text layer would lock, and write what is longer than its buffer in pieces.
        self._raw = getattr(getattr(sys.stderr, "buffer", None), "raw", None)

    def createLock(self) -> None:
        """None is needed."""
        self.lock = None

    def emit(self, record: logging.LogRecord) -> None:
        """Write it; where nothing can be written, nobody can be told."""
        if isinstance(record, AccessRecord):
            self._keep(record)
            return
        self.flush()
        self._write_all([record])

    def flush(self) -> None:
        """Write what has been kept; the library does so at the end of a process."""
        kept = []
        while self._later:
            with suppress(IndexError):  # another thread was quicker
                kept.append(self._later.popleft())
        if kept:
            self._write_all(kept)

    def _keep(self, record: logging.LogRecord) -> None:
        self._later.append(record)
        waiting = len(self._later)
        if waiting == 1:
            self._ring()
        elif waiting >= MOST_KEPT:
            self.flush()

    def _ring(self) -> None:
        if self._writer is None:
            with self._starting:
                if self._writer is None:
                    self._writer = threading.Thread(target=self._serve, name="log", daemon=True)
                    self._writer.start()
        self._bell.set()

    def _serve(self) -> None:
        while True:
            self._bell.wait()
            time.sleep(LATER_S)
            self._bell.clear()
            self.flush()

    def _forget(self) -> None:
        """A child has no such thread, and what was kept is written by its parent."""
        self._later.clear()
        self._bell, self._writer, self._starting = threading.Event(), None, threading.Lock()

    def _write_all(self, records: Sequence[logging.LogRecord]) -> None:
        """Whole lines, so many at once as the kernel does not mix with those of other processes."""
        piece: list[str] = []
        size = 0
        for record in records:
            try:
                line = self.format(record) + "\n"
            except Exception:
                self.handleError(record)
                continue
            if piece and size + len(line) > PIECE:
                self._write_safely(piece, record)
                piece, size = [], 0
            piece.append(line)
            size += len(line)
        if piece:
            self._write_safely(piece, records[-1])

    def _write_safely(self, lines: Sequence[str], record: logging.LogRecord) -> None:
        try:
            self._write("".join(lines))
        except Exception:
            self.handleError(record)

    def _write(self, line: str) -> None:
        if self._raw is None:
            self._stream.write(line)
            return
        rest = line.encode("utf-8", "backslashreplace")
        while rest:
            written = self._raw.write(rest)
            if written is None:  # full, and it does not wait: what is lost is a line of a log
                return
            rest = rest[written:]


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

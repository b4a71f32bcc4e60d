"""Nothing personal and nothing secret reaches the logs (R5, S3)."""

from __future__ import annotations

import io
import json
import logging
import time

import pytest
import structlog

from kameng.logging import (
    AccessRecord,
    Lines,
    configure_logging,
    mask_text,
    mask_value,
)
from kameng.settings import Settings


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("call 13812345678 now", "call 138****5678 now"),
        ("id 11010519491231002X", "id 110***********002X"),
        ("card ABC-123----secret9", "card ***"),
        ("/hook?token=abc&x=1", "/hook?token=***&x=1"),
        ("Authorization: Bearer abc.def", "Authorization: ***"),
        ('{"password": "hunter2"}', '{"password": "***"}'),
        ("postgresql://app:pw@db/x", "postgresql://app:***@db/x"),
        ("order 2611123456789012 paid", "order 2611123456789012 paid"),
    ],
)
def test_texts_are_masked(text: str, shown: str) -> None:
    assert mask_text(text) == shown


def test_values_are_masked_by_name_and_by_content() -> None:
    masked = mask_value(
        {"totp_secret": "X", "n": 5, "list": ["13812345678"], "deep": {"api_key": "k"}}
    )
    assert masked == {
        "totp_secret": "***",
        "n": 5,
        "list": ["138****5678"],
        "deep": {"api_key": "***"},
    }


def test_every_logger_writes_masked_json(monkeypatch: pytest.MonkeyPatch) -> None:
    root = logging.getLogger()
    before, level = root.handlers[:], root.level
    stream = io.StringIO()
    monkeypatch.setattr("sys.stderr", stream)
    try:
        configure_logging(Settings(demo=True))
        log = logging.getLogger("somewhere")
        log.warning("card %s for %s", "AAAA----BBBB", "13812345678", extra={"token": "t", "n": 1})
        try:
            raise RuntimeError("password=hunter2 of 13812345678")
        except RuntimeError:
            log.exception("failed")
    finally:
        root.handlers[:] = before
        root.setLevel(level)
    lines = [json.loads(line) for line in stream.getvalue().splitlines()]
    assert lines[0]["event"] == "card *** for 138****5678"
    assert (lines[0]["token"], lines[0]["n"], lines[0]["level"]) == ("***", 1, "warning")
    assert "RuntimeError" in lines[1]["exception"]
    assert "hunter2" not in stream.getvalue()
    assert "13812345678" not in stream.getvalue()


@pytest.mark.parametrize("route", ["/orders/<order_no>", "/x/13812345678", "/hook?token=abc"])
def test_an_answered_request_is_written_as_the_chain_would_write_it(route: str) -> None:
    lines = _lines()
    facts = {
        "method": "POST", "route": route, "status": 201, "ms": 7, "ip": "192.0.2.1",
        "station": 3, "request_id": "é" * 8,
    }  # fmt: skip
    record = AccessRecord(facts)
    assert time.time() - record.created < 60
    short, chain = json.loads(lines.format(record)), json.loads(_by_the_chain(lines, record))
    assert list(short) == list(chain)
    assert len(short.pop("timestamp")) == len(chain.pop("timestamp"))
    assert short == chain


@pytest.mark.parametrize(
    ("text", "args"),
    [
        ("applied %s", ("20261126-1",)), ("card %s", ("AAAA----BBBB",)), ("100%", ()),
        ("%s", ('quoted "x"\n\t\\ \x00',)), ("付款 %d 元", (3,)), ("call 13812345678", ()),
    ],
)  # fmt: skip
def test_a_plain_line_is_written_as_the_chain_would_write_it(
    text: str, args: tuple[object, ...]
) -> None:
    lines = _lines()
    record = logging.LogRecord("kameng.x", logging.WARNING, "", 0, text, args, None)
    short, chain = lines.format(record), _by_the_chain(lines, record)
    at = len('"timestamp": "2026-11-26T12:00:00.000000Z"}')
    assert (short[:-at], len(short)) == (chain[:-at], len(chain))


def test_what_was_added_to_a_line_is_written_too() -> None:
    lines, log = _lines(), logging.getLogger("kameng.x")
    added = log.makeRecord("kameng.x", logging.INFO, "", 0, "a", (), None, extra={"order": 7})
    assert json.loads(lines.format(added))["order"] == 7
    with structlog.contextvars.bound_contextvars(job="j1"):
        plain = logging.LogRecord("kameng.x", logging.INFO, "", 0, "a", (), None)
        assert json.loads(lines.format(plain))["job"] == "j1"


def _lines() -> Lines:
    root = logging.getLogger()
    before, level = root.handlers[:], root.level
    try:
        configure_logging(Settings(demo=True))
        lines = root.handlers[0].formatter
    finally:
        root.handlers[:] = before
        root.setLevel(level)
    assert isinstance(lines, Lines)
    return lines


def _by_the_chain(lines: Lines, record: logging.LogRecord) -> str:
    return super(Lines, lines).format(record)

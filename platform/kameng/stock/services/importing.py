"""Importing cards: read, seal, store in chunks; safe to repeat, nothing in the clear is kept."""

from __future__ import annotations

import io
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any, BinaryIO
from zoneinfo import ZoneInfo

from flask_babel import gettext as _
from sqlalchemy import text, update

from kameng.catalog.api import forget_levels
from kameng.db import db, run
from kameng.errors import Conflict, DomainError, NotFound
from kameng.jobs import publish
from kameng.runtime import current_settings
from kameng.sheets import SheetError
from kameng.stock.domain.vault import CardText, VaultError
from kameng.stock.models import CardBatch
from kameng.stock.services.reading_file import Found, read_cards
from kameng.stock.services.sealing import CardSealer
from kameng.stock.services.spool import drop_spool, open_spool, spool

CHUNK = 5_000
MAX_ERRORS = 200
MAIN_STATION = 1


@dataclass(slots=True)
class _Tally:
    """Counts of one run; `imported` starts with what an earlier, broken run has stored."""

    imported: int
    earlier: int = 0
    duplicated: int = 0
    rejected: int = 0
    total: int = 0
    errors: list[dict[str, Any]] = field(default_factory=list)

    def reject(self, line: int, reason: str) -> None:
        self.rejected += 1
        if len(self.errors) < MAX_ERRORS:
            self.errors.append({"line": line, "reason": reason})


def import_cards(
    sku_id: int,
    stream: BinaryIO | bytes,
    filename: str,
    actor: str,
    expires_on: date | None = None,
    batch_name: str = "",
) -> int:
    """Import a file at once and return the batch id; main scope.

    Lines are `number----secret`, tab- or comma-separated, or the secret alone; UTF-8 or GBK; CSV
    and XLSX with or without heading. Bad lines are counted with line and reason, duplicates
    counted. Raises `NotFound`, `DomainError("import_refused")`.
    """
    batch_id = _open_batch(sku_id, filename, actor, expires_on, batch_name)
    db.session.commit()
    run_import(batch_id, _as_stream(stream))
    return batch_id


def start_import(
    sku_id: int,
    stream: BinaryIO | bytes,
    filename: str,
    actor: str,
    expires_on: date | None = None,
    batch_name: str = "",
) -> int:
    """Take an upload, sealed, and leave the import to a worker; returns the batch id.

    Progress is on the batch: `total` is an estimate until the state is `done`.
    """
    batch_id = _open_batch(sku_id, filename, actor, expires_on, batch_name)
    lines = spool(batch_id, _as_stream(stream))
    try:
        _set(batch_id, total=lines)
        publish("cards.spooled", MAIN_STATION, {"batch_id": batch_id})
        db.session.commit()
    except BaseException:
        drop_spool(batch_id)
        raise
    return batch_id


def run_spooled(batch_id: int) -> None:
    """Import what `start_import` has sealed; a second call finds the batch closed."""
    batch = db.session.get(CardBatch, batch_id)
    if batch is None or batch.state != "importing":
        drop_spool(batch_id)
        return
    try:
        with open_spool(batch_id) as stream:
            run_import(batch_id, stream)
    except (FileNotFoundError, VaultError):
        _fail(batch_id, _("上传的文件找不到了，请重新上传；已入库的不会重复"))
    drop_spool(batch_id)


def run_import(batch_id: int, stream: BinaryIO) -> None:
    """The import itself: chunks of 5 000, each its own transaction with the counts so far.

    A file that cannot be read fails the batch with a message. Safe to repeat after a crash.
    """
    batch = db.session.get(CardBatch, batch_id)
    if batch is None or batch.state != "importing":
        raise Conflict("batch_closed", _("这一批已经导入完了"))
    sku_id, expires_on = batch.sku_id, batch.expires_on
    tally = _Tally(imported=batch.imported, earlier=batch.imported)
    sealer = CardSealer(sku_id)
    try:
        for cards in _chunks(read_cards(stream), tally):
            _store(batch_id, sealer, cards, expires_on, tally)
    except SheetError as error:
        db.session.rollback()
        _fail(batch_id, file_message(error.reason))
        return
    _finish(batch_id, sku_id, tally)


def _chunks(found: Iterator[Found], tally: _Tally) -> Iterator[list[CardText]]:
    cards: list[CardText] = []
    for line, card in found:
        tally.total += 1
        if isinstance(card, str):
            tally.reject(line, card)
            continue
        cards.append(card)
        if len(cards) == CHUNK:
            yield cards
            cards = []
    if cards:
        yield cards


def _store(
    batch_id: int,
    sealer: CardSealer,
    cards: list[CardText],
    expires_on: date | None,
    tally: _Tally,
) -> None:
    ciphers, digests = sealer.seal(cards)
    (row,) = run(
        "insert_cards", p_batch=batch_id, p_sku=sealer.sku_id, p_ciphers=ciphers,
        p_digests=digests, p_key=sealer.key_id, p_expires=expires_on,
    )  # fmt: skip
    tally.imported += row["inserted"]
    tally.duplicated += len(cards) - row["inserted"]
    _set(
        batch_id, imported=tally.imported, duplicated=max(0, tally.duplicated - tally.earlier),
        rejected=tally.rejected, errors=tally.errors,
    )  # fmt: skip
    db.session.commit()


def _finish(batch_id: int, sku_id: int, tally: _Tally) -> None:
    _set(
        batch_id, state="done", total=tally.total, imported=tally.imported,
        duplicated=max(0, tally.duplicated - tally.earlier), rejected=tally.rejected,
        errors=tally.errors, finished_at=datetime.now(UTC),
    )  # fmt: skip
    publish("cards.imported", MAIN_STATION, {"sku_id": sku_id, "batch_id": batch_id})
    db.session.commit()
    forget_levels([sku_id])


def _fail(batch_id: int, message: str) -> None:
    _set(batch_id, state="failed", message=message, finished_at=datetime.now(UTC))
    db.session.commit()


def _set(batch_id: int, **values: Any) -> None:
    # Core, not the mapped object: the counts must not depend on what the session remembers.
    db.session.execute(update(CardBatch).where(CardBatch.id == batch_id).values(**values))


def _open_batch(
    sku_id: int, filename: str, actor: str, expires_on: date | None, batch_name: str
) -> int:
    row = db.session.execute(
        text("SELECT p.kind FROM sku s JOIN product p ON p.id = s.product_id WHERE s.id = :sku"),
        {"sku": sku_id},
    ).one_or_none()
    if row is None:
        raise NotFound("sku_unknown", _("没有这个规格"))
    if row.kind != "card":
        raise DomainError("import_refused", _("只有卡密商品才能导入卡密"))
    now = datetime.now(ZoneInfo(current_settings().timezone))
    if expires_on is not None and expires_on <= now.date():
        raise DomainError("import_refused", _("有效期已过，过期卡不能入库"))
    batch = CardBatch(
        sku_id=sku_id, name=batch_name.strip()[:80] or f"B-{now:%m%d-%H%M%S}",
        source=os.path.basename(filename.replace("\\", "/"))[:120], expires_on=expires_on,
        created_by=actor,
    )  # fmt: skip
    db.session.add(batch)
    db.session.flush()
    return batch.id


def _as_stream(given: BinaryIO | bytes) -> BinaryIO:
    return io.BytesIO(given) if isinstance(given, bytes) else given


def file_message(reason: str) -> str:
    """Why a whole file could not be read, as a sentence."""
    messages = {
        "utf16": _("这个文件是 UTF-16 编码，请另存为 CSV UTF-8 或 XLSX"),
        "xls": _("这是旧版 XLS 文件，请另存为 XLSX 或 CSV"),
        "xlsx": _("这个 XLSX 文件打不开，请重新保存一次"),
        "too_big": _("文件太大，请分成几份"),
    }
    return str(messages.get(reason, _("这个文件读不懂，请换成 TXT、CSV 或 XLSX")))

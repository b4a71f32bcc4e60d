"""Batches as the console shows them, and taking one back."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import text

from kameng.catalog.api import forget_levels
from kameng.db import db, run
from kameng.errors import NotFound
from kameng.identity.api import audit

STATUS_NAMES = ("unsold", "held", "sold", "void")


@dataclass(frozen=True, slots=True)
class BatchError:
    """One refused line: its number, what is wrong and what to do about it."""

    line: int
    code: str
    reason: str
    remedy: str


@dataclass(frozen=True, slots=True)
class BatchView:
    """An import and its progress; `cards` counts by status and is empty in lists."""

    id: int
    sku_id: int
    sku_code: str
    sku_name: str
    product_name: str
    name: str
    source: str
    state: str
    total: int
    imported: int
    duplicated: int
    rejected: int
    errors: tuple[BatchError, ...]
    message: str
    expires_on: date | None
    created_by: str
    created_at: datetime
    finished_at: datetime | None
    cards: dict[str, int]

    @property
    def done(self) -> int:
        """Lines dealt with so far."""
        return self.imported + self.duplicated + self.rejected

    @property
    def percent(self) -> int:
        """Progress, 100 only when the import is over."""
        if self.state != "importing":
            return 100
        return min(99, self.done * 100 // self.total) if self.total else 0


_BATCHES = """
SELECT b.*, s.code AS sku_code, s.name AS sku_name, p.name AS product_name
FROM card_batch b JOIN sku s ON s.id = b.sku_id JOIN product p ON p.id = s.product_id
"""
_ONE = text(_BATCHES + " WHERE b.id = :id")
_LIST = text(
    _BATCHES + " WHERE CAST(:sku AS bigint) IS NULL OR b.sku_id = :sku"
    " ORDER BY b.id DESC LIMIT :size OFFSET :skipped"
)
# The SKU narrows the search to an index; batches of one SKU are few.
_COUNTS = text("""
SELECT status, count(*) AS n FROM card WHERE sku_id = :sku AND batch_id = :id GROUP BY status
""")
_POOL = text("""
SELECT sku_id, status, count(*) AS n FROM card WHERE sku_id = ANY(:skus) GROUP BY sku_id, status
""")


def batch(batch_id: int) -> BatchView:
    """One batch with its cards counted by status; raises `NotFound`. Main scope."""
    row = db.session.execute(_ONE, {"id": batch_id}).mappings().one_or_none()
    if row is None:
        raise NotFound("batch_unknown", _("没有这个批次"))
    counted = db.session.execute(_COUNTS, {"sku": row["sku_id"], "id": batch_id})
    return _view(dict(row), {STATUS_NAMES[line.status]: line.n for line in counted})


def batches(sku_id: int | None = None, page: int = 1, size: int = 50) -> list[BatchView]:
    """Newest batches first, of one SKU or of all. Main scope."""
    params = {"sku": sku_id, "size": size, "skipped": (max(1, page) - 1) * size}
    return [_view(dict(row), {}) for row in db.session.execute(_LIST, params).mappings()]


def pool_counts(sku_ids: list[int]) -> dict[int, dict[str, int]]:
    """SKU → exact number of cards by status (unsold, held, sold, void). Main scope."""
    found = {sku_id: dict.fromkeys(STATUS_NAMES, 0) for sku_id in sku_ids}
    for row in db.session.execute(_POOL, {"skus": sku_ids}):
        found[row.sku_id][STATUS_NAMES[row.status]] = row.n
    return found


def void_batch(batch_id: int, actor: str, reason: str, ip: str = "") -> int:
    """Withdraw the unsold cards of a batch for good; returns how many. Main scope."""
    view = batch(batch_id)
    (row,) = run("void_batch_cards", p_batch=batch_id)
    voided: int = row["voided"]
    audit(
        actor, "card.void", f"batch:{batch_id}", {"sku_id": view.sku_id, "voided": voided,
        "reason": reason[:200]}, ip,
    )  # fmt: skip
    db.session.commit()
    forget_levels([view.sku_id])
    return voided


def line_error(line: int, code: str) -> BatchError:
    """A refused line in words: the reason, and the remedy."""
    words = {
        "missing_secret": (_("缺卡密"), _("补上卡密，或检查分隔符")),
        "missing_number": (_("缺卡号"), _("补上卡号；没有卡号就只留卡密一列")),
        "too_many_columns": (_("列数太多"), _("只留卡号和卡密两列")),
        "too_long": (_("太长"), _("卡号最多 128 个字，卡密最多 512 个字")),
        "control_characters": (_("含控制字符"), _("用纯文本重新导出")),
        "invisible_characters": (_("含看不见的字符"), _("去掉零宽空格")),
        "scientific": (_("被表格软件改成科学计数"), _("把该列设成文本再导出")),
        "encoding": (_("文字编码不对"), _("另存为 UTF-8 或 GBK")),
    }
    reason, remedy = words.get(code, (code, ""))
    return BatchError(line, code, str(reason), str(remedy))


def _view(row: dict[str, Any], cards: dict[str, int]) -> BatchView:
    row["errors"] = tuple(line_error(item["line"], item["reason"]) for item in row["errors"])
    return BatchView(**row, cards=cards)

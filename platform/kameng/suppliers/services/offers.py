"""A supplier's own goods at the portal and over its API: prices, stock, on sale or not.

Only goods of its connection that delivers by hand; what a plugin syncs is read here, not written.
Opens the supplier's scope; the role may write its own rows alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import text

from kameng.db import db, supplier_scope
from kameng.errors import DomainError
from kameng.suppliers.domain.applying import crypto_word
from kameng.suppliers.domain.offers import COLUMNS, OfferLine, cost_text, read_offer
from kameng.suppliers.services.noting import note

PAGE = 50
MOST_LINES = 5000
FIELD_WORDS: dict[str, Any] = {
    "sku_ref": _l("货号"), "name": _l("名称"), "category": _l("分类"), "kind": _l("种类"),
    "cost": _l("供货价"), "stock": _l("库存"), "on_sale": _l("在售"),
}  # fmt: skip
PROBLEM_WORDS: dict[str, Any] = {
    "missing": _l("没有填"),
    "too_long": _l("太长"),
    "unknown_kind": _l("只能是 card、top_up 或 manual"),
    "not_a_cost": _l("要是金额，最多四位小数，例如 12.3400"),
    "not_a_number": _l("要是整数，或留空"),
    "not_yes_or_no": _l("只能是 1 或 0"),
    "kind_fixed": _l("种类不能改，请换一个货号"),
    "twice": _l("货号在表里出现两次"),
    "crypto": _l("本站不经营加密资产"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class OfferView:
    """One of a supplier's goods; `cost` at scale 4. `sku_code` "": not mapped by staff yet."""

    id: int
    sku_ref: str
    name: str
    category: str
    kind: str
    cost: int
    stock: int | None
    on_sale: bool
    own: bool
    sku_code: str
    changed_at: datetime


@dataclass(frozen=True, slots=True)
class LineProblem:
    """What is wrong with one line of a sheet or list, by field."""

    line: int
    sku_ref: str
    wrong: dict[str, str]

    @property
    def text(self) -> str:
        """In the reader's language."""
        parts = [f"{FIELD_WORDS[name]}{PROBLEM_WORDS[why]}" for name, why in self.wrong.items()]
        return "；".join(str(part) for part in parts)


@dataclass(frozen=True, slots=True)
class Change:
    """What a line would do: new, changed (and how) or same."""

    line: OfferLine
    what: str
    old_cost: int | None = None


@dataclass(frozen=True, slots=True)
class Preview:
    """A whole sheet before it is applied."""

    changes: Sequence[Change]
    problems: Sequence[LineProblem]

    def count(self, what: str) -> int:
        """How many lines do that."""
        return sum(change.what == what for change in self.changes)


_LIST = text(
    "SELECT f.id, f.sku_ref, f.name, f.category, f.kind, f.cost, f.stock, f.on_sale,"
    " c.plugin_id = 'supplier-manual' AS own, coalesce(k.code, '') AS sku_code, f.changed_at"
    " FROM supply_offer f JOIN supply_connection c ON c.supplier_id = f.supplier_id"
    " AND c.id = f.connection_id LEFT JOIN sku k ON k.id = f.sku_id"
    " WHERE f.supplier_id = :supplier AND (:query = '' OR f.name ILIKE :like"
    " OR f.sku_ref ILIKE :like) ORDER BY f.on_sale DESC, f.sku_ref LIMIT :limit OFFSET :skip"
)
_CONNECTION = text(
    "SELECT id FROM supply_connection WHERE supplier_id = :supplier"
    " AND plugin_id = 'supplier-manual' ORDER BY id LIMIT 1"
)
_PRESENT = text(
    "SELECT sku_ref, id, name, category, kind, cost, stock, on_sale FROM supply_offer"
    " WHERE supplier_id = :supplier AND connection_id = :connection AND sku_ref = ANY(:refs)"
)
_INSERT = text(
    "INSERT INTO supply_offer(supplier_id, connection_id, sku_ref, name, category, kind, cost,"
    " stock, on_sale) VALUES (:supplier, :connection, :sku_ref, :name, :category, :kind, :cost,"
    " :stock, :on_sale) ON CONFLICT (connection_id, sku_ref) DO NOTHING RETURNING id"
)
_UPDATE = text(
    "UPDATE supply_offer SET name = :name, category = :category, cost = :cost, stock = :stock,"
    " on_sale = :on_sale, seen_at = now(), changed_at = now(), gone_at = NULL"
    " WHERE supplier_id = :supplier AND id = :id"
)
_SEEN = text("UPDATE supply_offer SET seen_at = now() WHERE supplier_id = :supplier AND id = :id")
_HISTORY = text(
    "INSERT INTO supply_offer_change(supplier_id, offer_id, old_cost, new_cost, old_on_sale,"
    " new_on_sale, source) VALUES (:supplier, :id, :old_cost, :cost, :old_on_sale, :on_sale,"
    " 'portal')"
)


def offers_of(
    supplier_id: int, query: str = "", skip: int = 0, limit: int = PAGE
) -> Sequence[OfferView]:
    """Goods of a supplier, those on sale first; in its open scope or main."""
    query = query.strip()[:60]
    like = "%" + query.replace("\\", "\\\\").replace("%", r"\%").replace("_", r"\_") + "%"
    given = {
        "supplier": supplier_id, "query": query, "like": like, "skip": skip, "limit": limit,
    }  # fmt: skip
    return [OfferView(**row) for row in db.session.execute(_LIST, given).mappings()]


def read_lines(
    lines: Iterable[tuple[int, dict[str, object]]],
) -> tuple[list[OfferLine], list[LineProblem]]:
    """Good lines and what is wrong with the others, each by its number."""
    good: list[OfferLine] = []
    wrong: list[LineProblem] = []
    seen: set[str] = set()
    for number, given in lines:
        line, problems = read_offer(given)
        if line is not None and line.sku_ref in seen:
            problems = {"sku_ref": "twice"}
        elif line is not None and crypto_word(line.name, line.category):
            problems = {"name": "crypto"}
        if problems or line is None:
            wrong.append(LineProblem(number, str(given.get("sku_ref") or "")[:80], problems))
            continue
        seen.add(line.sku_ref)
        good.append(line)
    return good, wrong


def read_sheet(rows: Iterable[tuple[int, Sequence[str]]]) -> list[tuple[int, dict[str, object]]]:
    """Lines of a sheet by its heading (our column names, or their Chinese words).

    Raises `DomainError("sheet_invalid" | "sheet_too_long")`.
    """
    found: list[tuple[int, dict[str, object]]] = []
    names: list[str] = []
    words = {str(word): name for name, word in FIELD_WORDS.items()}
    for number, cells in rows:
        filled = [cell.strip() for cell in cells]
        if not names:
            names = [words.get(cell, cell.lower()) for cell in filled]
            missing = [n for n in ("sku_ref", "name", "kind", "cost") if n not in names]
            if missing:
                raise DomainError(
                    "sheet_invalid", _("表头缺少：%(names)s", names="、".join(missing)), 422
                )
            continue
        found.append((number, dict(zip(names, filled, strict=False))))
        if len(found) > MOST_LINES:
            raise DomainError("sheet_too_long", _l("一次最多 5000 行，请分批上传"), 422)
    return found


def sheet_rows(supplier_id: int) -> list[list[str]]:
    """All own goods as a sheet that can be uploaded again; in the supplier's open scope."""
    rows = [[*COLUMNS]]
    for one in offers_of(supplier_id, limit=MOST_LINES):
        if one.own:
            stock = "" if one.stock is None else str(one.stock)
            rows.append(
                [one.sku_ref, one.name, one.category, one.kind, cost_text(one.cost), stock,
                 "1" if one.on_sale else "0"]
            )  # fmt: skip
    return rows


def preview(supplier_id: int, lines: Iterable[tuple[int, dict[str, object]]]) -> Preview:
    """What these lines would do, and nothing of it is done. Opens the supplier's scope."""
    good, wrong = read_lines(lines)
    with supplier_scope(supplier_id):
        present = _present(supplier_id, _connection(supplier_id), good)
    changes = []
    for line in good:
        old = present.get(line.sku_ref)
        if old is not None and old.kind != line.kind:
            wrong.append(LineProblem(0, line.sku_ref, {"kind": "kind_fixed"}))
        else:
            changes.append(Change(line, _what(old, line), old.cost if old else None))
    return Preview(changes, wrong)


def save_offers(supplier_id: int, lines: Sequence[OfferLine]) -> list[int]:
    """Put goods on the list or change them; ids of those that are new or changed.

    The same lines again change nothing. All or none. Opens the supplier's scope; raises
    `DomainError("kind_fixed" | "no_connection")`.
    """
    changed = []
    with supplier_scope(supplier_id):
        connection = _connection(supplier_id)
        present = _present(supplier_id, connection, lines)
        for line in lines:
            number = _save(supplier_id, connection, line, present.get(line.sku_ref))
            if number:
                changed.append(number)
        db.session.commit()
    if changed:
        note(supplier_id, "supplier.offers", {"rows": len(changed)})
    return changed


def _save(supplier_id: int, connection: int, line: OfferLine, old: Any) -> int:
    given = {"supplier": supplier_id, "connection": connection, **asdict(line)}
    if old is None:
        number = db.session.scalar(_INSERT, given)
        if number is None:
            raise DomainError("try_again", _l("另一个请求刚改过同一货号，请重试"), 409)
        _keep_history(given, int(number), None)
        return int(number)
    if old.kind != line.kind:
        raise DomainError("kind_fixed", PROBLEM_WORDS["kind_fixed"], 422, sku_ref=line.sku_ref)
    if _what(old, line) == "same":
        db.session.execute(_SEEN, {"supplier": supplier_id, "id": old.id})
        return 0
    db.session.execute(_UPDATE, {**given, "id": old.id})
    if (old.cost, old.on_sale) != (line.cost, line.on_sale):
        _keep_history(given, old.id, old)
    return int(old.id)


def _keep_history(given: dict[str, Any], number: int, old: Any) -> None:
    before = {"old_cost": old.cost if old else None, "old_on_sale": old.on_sale if old else None}
    wanted = {name: given[name] for name in ("supplier", "cost", "on_sale")}
    db.session.execute(_HISTORY, {**wanted, **before, "id": number})


def _what(old: Any, line: OfferLine) -> str:
    if old is None:
        return "new"
    same = all(getattr(old, name) == getattr(line, name) for name in COLUMNS[1:])
    return "same" if same else "changed"


def _present(supplier_id: int, connection: int, lines: Sequence[OfferLine]) -> dict[str, Any]:
    given = {
        "supplier": supplier_id, "connection": connection, "refs": [one.sku_ref for one in lines],
    }  # fmt: skip
    return {row.sku_ref: row for row in db.session.execute(_PRESENT, given)}


def _connection(supplier_id: int) -> int:
    number = db.session.scalar(_CONNECTION, {"supplier": supplier_id})
    if number is None:
        raise DomainError("no_connection", _l("您的账号还不能自己上货，请联系主站"), 409)
    return int(number)

"""Contracts with suppliers and their cost lists. In main scope; a supplier reads its own."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import text

from kameng.db import db
from kameng.errors import Conflict, DomainError, NotFound
from kameng.identity.api import audit
from kameng.suppliers.domain import contracts as rules
from kameng.suppliers.domain.contracts import ContractTerms

PROBLEMS: Mapping[str, Any] = {
    "unknown": _l("请选择"),
    "before_start": _l("结束日期不能早于开始日期"),
    "negative": _l("金额不能为负"),
    "out_of_range": _l("1 到 10080 分钟"),
}


class ContractRefused(DomainError):
    """The contract stays as it is; the message says why, `facts["field"]` names a field."""

    default_status = 422


@dataclass(frozen=True, slots=True, kw_only=True)
class ContractView:
    """A contract; `credit_limit` at scale 4."""

    supplier_id: int
    id: int
    contract_no: str
    terms: str
    valid_from: date
    valid_until: date
    credit_limit: int
    settlement_cycle: str
    duty_contact: str
    duty_phone: str
    duty_minutes: int
    state: str
    note: str
    created_by: str
    created_at: datetime
    signed_at: datetime | None
    ended_at: datetime | None


@dataclass(frozen=True, slots=True)
class CostLine:
    """One agreed cost, scale 4."""

    sku_id: int
    code: str
    product: str
    sku: str
    cost: int


_COLUMNS = (
    "supplier_id, id, contract_no, terms, valid_from, valid_until, credit_limit,"
    " settlement_cycle, duty_contact, duty_phone, duty_minutes, state, note, created_by,"
    " created_at, signed_at, ended_at"
)
_ONE = text(f"SELECT {_COLUMNS} FROM supplier_contract WHERE supplier_id = :supplier AND id = :id")
_LIST = text(
    f"SELECT {_COLUMNS} FROM supplier_contract WHERE supplier_id = :supplier"
    " ORDER BY state = 'active' DESC, id DESC"
)
_COSTS = text(
    "SELECT c.sku_id, s.code, p.name AS product, s.name AS sku, c.cost FROM contract_cost c"
    " JOIN sku s ON s.id = c.sku_id JOIN product p ON p.id = s.product_id"
    " WHERE c.supplier_id = :supplier AND c.contract_id = :id ORDER BY s.code"
)
_INSERT = text(
    "INSERT INTO supplier_contract(supplier_id, contract_no, terms, valid_from, valid_until,"
    " credit_limit, settlement_cycle, duty_contact, duty_phone, duty_minutes, note, created_by)"
    " VALUES (:supplier, :number, :terms, :valid_from, :valid_until, :credit_limit,"
    " :settlement_cycle, :duty_contact, :duty_phone, :duty_minutes, :note, :actor) RETURNING id"
)
_UPDATE = text(
    "UPDATE supplier_contract SET terms = :terms, valid_from = :valid_from,"
    " valid_until = :valid_until, credit_limit = :credit_limit,"
    " settlement_cycle = :settlement_cycle, duty_contact = :duty_contact,"
    " duty_phone = :duty_phone, duty_minutes = :duty_minutes, note = :note"
    " WHERE supplier_id = :supplier AND id = :id AND state = 'draft' RETURNING id"
)
_LOCK = text("SELECT pg_advisory_xact_lock(hashtextextended('kameng.contracts', 0))")
_OTHER_ACTIVE = text(
    "SELECT contract_no FROM supplier_contract WHERE supplier_id = :supplier AND id <> :id"
    " AND state = 'active'"
)
_CLAIMS = text(
    "SELECT s.name AS supplier, k.contract_no, c.sku_id, p.name || ' ' || u.name AS sku,"
    " k.valid_from, k.valid_until FROM supplier_contract k JOIN supplier s ON s.id = k.supplier_id"
    " JOIN contract_cost c ON c.supplier_id = k.supplier_id AND c.contract_id = k.id"
    " JOIN sku u ON u.id = c.sku_id JOIN product p ON p.id = u.product_id"
    " WHERE k.state = 'active' AND k.terms = 'exclusive' AND k.supplier_id <> :supplier"
    " AND c.sku_id = ANY(:skus)"
)
_SIGN = text(
    "UPDATE supplier_contract SET state = 'active', signed_at = now()"
    " WHERE supplier_id = :supplier AND id = :id"
)
_END = text(
    "UPDATE supplier_contract SET state = 'ended', ended_at = now()"
    " WHERE supplier_id = :supplier AND id = :id AND state <> 'ended' RETURNING contract_no"
)
_PUT_COST = text(
    "INSERT INTO contract_cost(supplier_id, contract_id, sku_id, cost)"
    " VALUES (:supplier, :id, :sku, :cost)"
    " ON CONFLICT (supplier_id, contract_id, sku_id) DO UPDATE SET cost = excluded.cost"
)
_DROP_COSTS = text(
    "DELETE FROM contract_cost WHERE supplier_id = :supplier AND contract_id = :id"
    " AND sku_id <> ALL(:keep)"
)
_SKUS = text("SELECT code, id FROM sku WHERE code = ANY(:codes)")


def contract(supplier_id: int, contract_id: int) -> ContractView:
    """One contract; main scope or the supplier's own. Raises `NotFound`."""
    given = {"supplier": supplier_id, "id": contract_id}
    row = db.session.execute(_ONE, given).mappings().first()
    if row is None:
        raise NotFound("contract_unknown", _l("没有这份合同"))
    return ContractView(**row)


def contracts_of(supplier_id: int) -> list[ContractView]:
    """All contracts of a supplier, the running one first; main scope or the supplier's own."""
    rows = db.session.execute(_LIST, {"supplier": supplier_id}).mappings()
    return [ContractView(**row) for row in rows]


def costs_of(supplier_id: int, contract_id: int) -> list[CostLine]:
    """The agreed costs; main scope or the supplier's own."""
    given = {"supplier": supplier_id, "id": contract_id}
    return [CostLine(**row) for row in db.session.execute(_COSTS, given).mappings()]


def draft_contract(supplier_id: int, terms: ContractTerms, actor: str, ip: str = "") -> int:
    """A new draft; returns its id. Raises `ContractRefused`."""
    _check(terms)
    number = f"HT{datetime.now():%y%m%d}{secrets.randbelow(1_000_000):06d}"
    given = {**asdict(terms), "supplier": supplier_id, "number": number, "actor": actor}
    made = int(db.session.scalar(_INSERT, given))
    _audit(actor, "contract.draft", supplier_id, number, {"terms": terms.terms}, ip)
    db.session.commit()
    return made


def change_contract(
    supplier_id: int, contract_id: int, terms: ContractTerms, actor: str, ip: str = ""
) -> None:
    """Change a draft; what is signed stays as it was signed. Raises `ContractRefused`."""
    _check(terms)
    given = {**asdict(terms), "supplier": supplier_id, "id": contract_id}
    if db.session.scalar(_UPDATE, given) is None:
        raise Conflict("contract_signed", _l("只有草稿可以修改；已签的合同请结束后另立"))
    number = contract(supplier_id, contract_id).contract_no
    _audit(actor, "contract.change", supplier_id, number, {"terms": terms.terms}, ip)
    db.session.commit()


def sign_contract(supplier_id: int, contract_id: int, actor: str, ip: str = "") -> None:
    """A draft becomes the running contract.

    Raises `Conflict` when another one runs already, or when another supplier's exclusive contract
    covers one of its SKUs in the same days (the message names both).
    """
    db.session.execute(_LOCK)
    one = contract(supplier_id, contract_id)
    if "active" not in rules.TRANSITIONS[one.state]:
        raise Conflict("contract_signed", _l("这份合同已经签过或已结束"))
    given = {"supplier": supplier_id, "id": contract_id}
    other = db.session.scalar(_OTHER_ACTIVE, given)
    if other:
        raise Conflict("contract_running", _("合同 %(no)s 还在执行，请先结束它", no=other))
    _refuse_clashes(one, [line.sku_id for line in costs_of(supplier_id, contract_id)])
    db.session.execute(_SIGN, given)
    _audit(actor, "contract.sign", supplier_id, one.contract_no, {"terms": one.terms}, ip)
    db.session.commit()


def end_contract(supplier_id: int, contract_id: int, reason: str, actor: str, ip: str = "") -> None:
    """End a draft or a running contract; open purchases go on under what was agreed."""
    reason = " ".join(reason.split())[:200]
    if len(reason) < 2:
        raise DomainError("reason_missing", _l("请写明原因"))
    number = db.session.scalar(_END, {"supplier": supplier_id, "id": contract_id})
    if number is None:
        raise Conflict("contract_over", _l("这份合同已经结束"))
    _audit(actor, "contract.end", supplier_id, str(number), {"reason": reason}, ip)
    db.session.commit()


def put_costs(
    supplier_id: int, contract_id: int, costs: Mapping[str, int], actor: str, ip: str = "",
    *, whole: bool = False,
) -> int:  # fmt: skip
    """Set agreed costs by SKU code (scale 4); `whole`: SKUs that are not named leave the list.

    Returns how many were named. Raises `ContractRefused("sku_unknown")`, `Conflict`.
    """
    db.session.execute(_LOCK)
    one = contract(supplier_id, contract_id)
    if one.state == "ended":
        raise Conflict("contract_over", _l("这份合同已经结束"))
    found = {code: number for code, number in db.session.execute(_SKUS, {"codes": [*costs]}).all()}
    unknown = sorted(set(costs) - set(found))
    if unknown:
        raise ContractRefused(
            "sku_unknown", _("没有规格：%(codes)s", codes="、".join(unknown[:10])), field="costs"
        )
    if one.state == "active":
        _refuse_clashes(one, found.values())
    given = {"supplier": supplier_id, "id": contract_id}
    for code, cost in costs.items():
        db.session.execute(_PUT_COST, {**given, "sku": found[code], "cost": cost})
    if whole:
        db.session.execute(_DROP_COSTS, {**given, "keep": [*found.values()]})
    detail = {"skus": len(costs), "whole": whole, "first": dict([*costs.items()][:20])}
    _audit(actor, "contract.costs", supplier_id, one.contract_no, detail, ip)
    db.session.commit()
    return len(costs)


def _refuse_clashes(one: ContractView, sku_ids: Iterable[int]) -> None:
    if one.terms != "exclusive":
        return
    skus = [*sku_ids]
    given = {"supplier": one.supplier_id, "skus": skus}
    claims = [rules.Claim(**row) for row in db.session.execute(_CLAIMS, given).mappings()]
    found = rules.clashes(one.valid_from, one.valid_until, skus, claims)
    if found:
        db.session.rollback()
        names = "；".join(
            _("%(sku)s 已由 %(supplier)s 独家（合同 %(no)s）", sku=c.sku, supplier=c.supplier,
              no=c.contract_no)
            for c in found[:5]
        )  # fmt: skip
        raise Conflict("exclusive_elsewhere", _("独家冲突：%(names)s", names=names))


def _check(terms: ContractTerms) -> None:
    wrong = rules.term_problems(terms)
    if wrong:
        field, why = next(iter(wrong.items()))
        raise ContractRefused("terms_invalid", PROBLEMS[why], field=field)


def _audit(
    actor: str, action: str, supplier_id: int, number: str, detail: dict[str, Any], ip: str
) -> None:
    audit(actor, action, f"supplier:{supplier_id}", {"contract_no": number, **detail}, ip)


def read_cost_rows(rows: Sequence[tuple[int, Sequence[str]]]) -> tuple[dict[str, int], list[str]]:
    """Costs by SKU code from a sheet (code, …, cost in the last column), and what is wrong."""
    from kameng.suppliers.domain.offers import cost_of

    costs: dict[str, int] = {}
    wrong = []
    for number, cells in rows:
        filled = [cell.strip() for cell in cells]
        code, cost = filled[0], cost_of(filled[-1]) if len(filled) > 1 else None
        if number == 1 and cost is None:
            continue  # the heading
        if not code or cost is None:
            wrong.append(_("第 %(n)s 行：要有规格编号和成本，例如 93.2000", n=number))
        elif code in costs:
            wrong.append(_("第 %(n)s 行：规格 %(code)s 重复", n=number, code=code))
        else:
            costs[code] = cost
    return costs, wrong

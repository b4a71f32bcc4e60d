"""Roles and what their permissions are called."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from flask_babel import lazy_gettext as _l
from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from kameng.db import db
from kameng.errors import DomainError, Forbidden
from kameng.identity import domain
from kameng.identity.models import Role, Staff
from kameng.identity.services.audit import audit
from kameng.identity.services.scopes import as_main

PERMISSIONS: dict[str, Any] = {
    "dashboard.view": _l("查看看板"),
    "station.view": _l("查看分站"),
    "station.review": _l("审核开站申请"),
    "station.manage": _l("管理分站状态"),
    "product.view": _l("查看商品"),
    "product.edit": _l("编辑商品与规格"),
    "price.view": _l("查看价格"),
    "price.edit": _l("修改价格规则"),
    "cost.view": _l("查看成本"),
    "cost.edit": _l("修改成本"),
    "stock.view": _l("查看库存"),
    "card.import": _l("导入卡密"),
    "card.void": _l("作废卡密批次"),
    "card.reveal": _l("查看已售卡密"),
    "order.view": _l("查看订单"),
    "order.manage": _l("取消与处理订单"),
    "order.deliver": _l("人工发货"),
    "payment.view": _l("查看支付单"),
    "payment.manage": _l("查询与处理支付单"),
    "refund.view": _l("查看退款单"),
    "refund.create": _l("发起退款"),
    "payment.confirm": _l("确认转账到账"),
    "funds.view": _l("查看店铺资金"),
    "funds.pay": _l("付预存与保证金"),
    "ledger.view": _l("查看账本"),
    "ledger.adjust": _l("账本调整"),
    "reconcile.view": _l("查看渠道对账"),
    "reconcile.resolve": _l("处理对账差异"),
    "settlement.view": _l("查看结算与对账单"),
    "settlement.manage": _l("修改结算条款"),
    "withdrawal.view": _l("查看提现"),
    "withdrawal.pay": _l("打款与撤销提现"),
    "withdrawal.request": _l("申请提现"),
    "approval.vote": _l("批准他人的申请"),
    "member.view": _l("查看会员"),
    "member.manage": _l("管理会员"),
    "member.unmask": _l("查看完整手机号"),
    "supplier.view": _l("查看供应商"),
    "supplier.manage": _l("管理供应商"),
    "supplier.review": _l("审核供应商与资质"),
    "supplier.pay": _l("提出供应商付款"),
    "supply.route": _l("调整供货路由"),
    "supply.plan": _l("制定采购计划"),
    "dispute.manage": _l("处理供货纠纷"),
    "plugin.view": _l("查看插件"),
    "plugin.manage": _l("配置插件"),
    "risk.view": _l("查看风控"),
    "risk.decide": _l("处理风控工单"),
    "openapi.view": _l("查看开放接口"),
    "openapi.manage": _l("管理开放接口"),
    "job.view": _l("查看任务"),
    "job.retry": _l("重试任务"),
    "recovery.end": _l("结束恢复模式"),
    "alert.view": _l("查看预警"),
    "staff.view": _l("查看员工"),
    "staff.manage": _l("管理员工与角色"),
    "audit.view": _l("查看审计日志"),
    "shop.manage": _l("装修与店铺资料"),
}


ROLE_LABELS: dict[str, Any] = {
    "admin": _l("超级管理员"),
    "support": _l("客服"),
    "finance": _l("财务"),
    "risk": _l("风控"),
    "purchasing": _l("采购"),
    "operations": _l("运营"),
    "owner": _l("店长"),
    "clerk": _l("店员"),
}


@dataclass(frozen=True, slots=True)
class RoleView:
    """A role as consoles list it."""

    station_id: int
    code: str
    name: str
    permissions: tuple[str, ...]
    builtin: bool


def seed_roles(station_id: int) -> None:
    """Create or refresh the builtin roles of a station in the open main scope; no commit."""
    for template in domain.role_templates(station_id):
        values = {"name": template.name, "permissions": list(template.permissions)}
        db.session.execute(
            insert(Role)
            .values(station_id=station_id, code=template.code, builtin=True, **values)
            .on_conflict_do_update(index_elements=["station_id", "code"], set_=values)
        )


def list_roles(station_id: int) -> list[RoleView]:
    """All roles of a station, builtin ones first."""
    rows = db.session.scalars(
        select(Role).where(Role.station_id == station_id).order_by(Role.builtin.desc(), Role.code)
    )
    return [
        RoleView(
            row.station_id,
            row.code,
            role_label(row.code, row.name),
            tuple(row.permissions),
            row.builtin,
        )
        for row in rows
    ]


def role_label(code: str, name: str) -> str:
    """A builtin role in the reader's language; an own role as its station called it."""
    return str(ROLE_LABELS.get(code, name))


def permissions_of(role_code: str, station_id: int) -> frozenset[str]:
    """Permission codes of a role; a role that is gone permits nothing."""
    found = db.session.get(Role, (station_id, role_code))
    return frozenset(found.permissions) if found else frozenset()


def refuse_beyond_own(actor: str, *codes: str, station_id: int, more: Iterable[str] = ()) -> None:
    """Raise `Forbidden` when staff deal with roles that permit more than their own.

    Else the right to manage colleagues would be every right: by an account of one's own making,
    by a richer role, or by somebody else's second factor. `actor` other than staff is believed.
    """
    kind, _colon, number = actor.partition(":")
    if kind != "staff":
        return
    person = db.session.scalar(select(Staff).where(Staff.id == int(number)))
    own = permissions_of(person.role_code, person.station_id) if person else frozenset()
    wanted = frozenset(more).union(*(permissions_of(code, station_id) for code in codes))
    if "*" not in own and not wanted <= own:
        raise Forbidden("beyond_own_rights", _l("不能处理权限高于自己的账号或角色。"))


def save_role(station_id: int, code: str, name: str, permissions: list[str], actor: str) -> None:
    """Create or change an own role; builtin ones stay as they are. Raises `DomainError`."""
    unknown = set(permissions) - set(PERMISSIONS)
    if unknown or not code.isidentifier() or not name.strip():
        raise DomainError("role_invalid", _l("角色信息有误。"), unknown=sorted(unknown))
    with as_main(station_id, "save role"):
        refuse_beyond_own(actor, code, station_id=station_id, more=permissions)
        role = db.session.get(Role, (station_id, code))
        if role is not None and role.builtin:
            raise DomainError("role_builtin", _l("内置角色不能修改。"), code_=code)
        if role is None:
            role = Role(station_id=station_id, code=code, builtin=False)
            db.session.add(role)
        role.name, role.permissions = name.strip()[:40], sorted(permissions)
        audit(
            actor,
            "role.save",
            f"role:{code}",
            {"permissions": role.permissions},
            station_id=station_id,
        )
        db.session.commit()

"""Words for what the database knows by code: contacts, ways to pay, alerts, jobs, facts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import g
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from kameng.catalog import api as catalog
from kameng.catalog.models import Sku
from kameng.db import db

METHODS: Mapping[str, Any] = {
    "balance": _l("余额"),
    "alipay": _l("支付宝"),
    "wxpay": _l("微信支付"),
    "qqpay": _l("QQ 钱包"),
    "bank": _l("银行卡"),
    "card": _l("银行卡"),
    "checkout": _l("国际卡"),
    "unionpay": _l("银联"),
    "bank_transfer": _l("银行转账"),
    **dict.fromkeys(("page", "wap", "qr"), _l("支付宝")),
    **dict.fromkeys(("native", "jsapi", "h5"), _l("微信支付")),
}
PERSON_FACTS: Mapping[str, Any] = {
    "name": _l("申请人"),
    "email": _l("邮箱"),
    "phone": _l("手机"),
    "wechat": _l("微信"),
    "qq": "QQ",
    "hours": _l("服务时间"),
    "icp": _l("备案号"),
    "licence": _l("执照号"),
    "licence_number": _l("执照号"),
    "subject": _l("主体"),
    "subject_kind": _l("主体"),
    "company": _l("公司"),
    "plan": _l("经营计划"),
}
SUBJECT_KINDS: Mapping[str, Any] = {"person": _l("个人"), "company": _l("企业")}
THEMES: Mapping[str, Any] = {"qing": _l("晴"), "ye": _l("夜"), "su": _l("素")}
LEVELS: Mapping[str, Any] = {"normal": _l("普通会员")}
EVENT_FACTS: Mapping[str, Any] = {
    "dialect": _l("接口"),
    "enabled": _l("启用"),
    "hint": _l("末四位"),
    "networks": _l("来源 IP"),
    "per_minute": _l("每分钟"),
    "reason": _l("原因"),
    "name": _l("名称"),
    "slug": _l("网址名"),
    "state": _l("状态"),
    "grade": _l("等级"),
    "role": _l("角色"),
    "station": _l("分站"),
    "purchase_id": _l("采购单"),
    "sku_id": _l("规格"),
    "part": _l("部分"),
    "rows": _l("行数"),
    "type": _l("格式"),
    "kind": _l("类型"),
    "cost": _l("成本"),
    "old": _l("原来"),
    "new": _l("现在"),
    "findings": _l("问题数"),
    "transfers": _l("转账数"),
    "accounts": _l("账户数"),
    "seconds": _l("秒"),
    "voided": _l("作废"),
    "host": _l("域名"),
    "active": _l("启用"),
    "on_rise": _l("成本追上售价时"),
    "follow": _l("跟随成本"),
    "only_raise": _l("只跟涨"),
    "add_bp": _l("加成"),
    "add_amount": _l("加价"),
    "least_cost": _l("最低成本"),
    "loss_bp": _l("允许亏损"),
    "when_none": _l("都供不了时"),
    "outcome": _l("结果"),
    "pieces": _l("件数"),
    "login": _l("登录名"),
    "contract_no": _l("合同"),
    "document": _l("材料"),
    "documents": _l("材料数"),
    "valid_until": _l("有效期到"),
    "dispute": _l("纠纷"),
    "statement": _l("对账单"),
    "reference": _l("流水号"),
    "purchase_no": _l("采购单"),
    "payment": _l("付款"),
    "key": _l("密钥"),
}
JOBS: Mapping[str, Any] = {
    "jobs.deliver_notices": _l("发送通知"),
    "jobs.prune_job_slots": _l("清理任务记录"),
    "jobs.prune_notices": _l("清理旧通知"),
    "jobs.prune_outbox": _l("清理已转发消息"),
    "jobs.revive_runs": _l("找回中断的任务"),
    "jobs.sweep_outbox": _l("补发漏掉的消息"),
    "ledger.roll_up_accounts": _l("账户滚存"),
    "ledger.verify_books": _l("账本自证"),
    "ledger.verify_books_fully": _l("账本全量自证"),
    "ledger.seal_transfers": _l("封存转账"),
    "ledger.write_ledger_head": _l("导出封存链头"),
    "payments.plan_daily_bills": _l("安排对账"),
    "payments.ask_for_due_bills": _l("取渠道账单"),
    "orders.complete_orders": _l("过售后期的订单完成"),
    "orders.expire_orders": _l("关闭过期订单"),
    "payments.ask_due_attempts": _l("查询未知支付"),
    "payments.push_due_refunds": _l("推进退款"),
    "plugins.check_health": _l("插件体检"),
    "risk.prune_hits": _l("清理风控计数"),
    "settlement.end_forgotten_approvals": _l("结束过期的审批"),
    "settlement.push_due_payouts": _l("推进打款"),
    "settlement.release_settlements": _l("到期结算"),
    "settlement.watch_withdrawals": _l("提现超时提醒"),
    "stock.clear_stuck_imports": _l("清理中断的导入"),
    "stock.move_to_active_key": _l("卡密换新密钥"),
    "stock.void_expired_cards": _l("作废过期卡密"),
    "stock.watch_stock": _l("库存预警"),
    "openapi.announce_sandbox": _l("推送沙箱的变化"),
    "openapi.prune_sandbox": _l("清理旧的沙箱订单"),
    "openapi.watch_refund_requests": _l("退款申请超时提醒"),
    "suppliers.watch_papers": _l("供应商资质到期提醒"),
    "suppliers.draw_up_statements": _l("出供应商对账单"),
    "supply.query_purchases": _l("查询采购结果"),
    "supply.continue_orders": _l("推进没人管的订单"),
    "supply.start_syncs": _l("安排供货同步"),
    "supply.sync_connection": _l("同步供货接口"),
    "supply.refresh_levels": _l("重算可供数量"),
    "supply.refresh_levels_of_supplier": _l("重算供应商的可供数量"),
    "supply.watch_deadlines": _l("超时提醒"),
    "stock.import_spooled": _l("导入卡密"),
    "suppliers.watch_recent_success": _l("供应商近期成功率"),
    "suppliers.compute_scorecards": _l("供应商每日评分"),
    "planning.watch_purchase_plans": _l("备货进度提醒"),
    "ops.store_wal": _l("归档数据库日志"),
    "ops.back_up": _l("每日备份"),
    "ops.drill_backup": _l("每周恢复演练"),
    "ops.watch_backups": _l("检查备份"),
    "ops.ask_after_restore": _l("恢复后询问各渠道"),
    "ops.watch_forgotten_payments": _l("查找恢复前的付款"),
}
QUESTIONS: Mapping[str, Any] = {  # what is asked outside after a restore
    "payment": _l("付款"),
    "purchase": _l("采购"),
    "bill": _l("渠道账单"),
}
BACKUP_METHODS: Mapping[str, Any] = {
    "embedded": _l("自带数据库，加密备份"),
    "pgbackrest": _l("pgBackRest"),
}
RECOVERY_ALERTS: Mapping[tuple[str, str], Any] = {
    ("backup", "wal"): _l("数据库日志超过 5 分钟没有归档"),
    ("backup", "age"): _l("超过 2 天没有成功的备份"),
    ("recovery", "mode"): _l("恢复模式：不下单、不发货、不采购、不退款、不打款"),
}

STEPS: Mapping[str, Any] = {  # steps of a price, as its snapshot names them
    "上游成本": _l("上游成本"),
    "进货价": _l("进货价"),
    "批发价规则": _l("批发价规则"),
    "没有批发规则，按进价": _l("没有批发规则，按进价"),
    "零售价规则": _l("零售价规则"),
    "沿用上级的零售价规则": _l("沿用上级的零售价规则"),
    "没有零售规则，按默认加价": _l("没有零售规则，按默认加价"),
    "本站定价": _l("本站定价"),
    "不低于最低限价": _l("不低于最低限价"),
    "不高于最高限价": _l("不高于最高限价"),
    "不低于进货价": _l("不低于进货价"),
    "本店售价": _l("本店售价"),
}


def step_word(label: str) -> Any:
    """A step of a price in the reader's language."""
    return STEPS.get(label, label)


def person_facts(facts: Mapping[str, Any]) -> list[tuple[str, Any, Any]]:
    """(key, label, value) of what somebody told about themselves, empty ones left out."""
    shown = []
    for name, value in facts.items():
        if name == "subject_kind":
            value = SUBJECT_KINDS.get(str(value), value)
        if value:
            shown.append((name, PERSON_FACTS.get(name, name), value))
    return shown


def input_labels(sku_id: int) -> dict[str, str]:
    """Name → label of the purchase fields of a SKU's product."""
    sku = db.session.get(Sku, sku_id)
    if sku is None:
        return {}
    return {rule.name: rule.label for rule in catalog.fields_of(sku.product_id)}


def alert_title(alert: Any) -> str:
    """What an alert says now, in the reader's language: from its facts, else as it was written."""
    facts = alert.detail or {}
    name = g.get("console_subjects", {}).get("sku", {}).get(facts.get("sku_id"))
    if name and alert.kind == "sold_out":
        return str(_("%(name)s 卖完了", name=name))
    if name and alert.kind == "low_stock":
        return str(_("%(name)s 只剩 %(free)s 张", name=name, free=facts.get("free", "—")))
    if name and alert.kind == "card_expiry":
        return str(_("%(name)s 有 %(n)s 张卡快到期", name=name, n=facts.get("cards", "—")))
    if alert.kind == "fulfil_overdue":
        return str(_("订单超时没有处理完"))
    if alert.kind in ("payment_amount", "payment.amount_mismatch"):
        return str(_("付款金额与订单不符，没有发货，请核对"))
    if alert.kind == "reconciliation":
        return str(_("渠道账单有 %(n)s 条对不上", n=facts.get("open", "—")))
    if alert.kind == "payment_account":
        return str(_("收款账户连续失败，已自动暂停：%(said)s", said=facts.get("error", "—")))
    if alert.kind == "station_funds":
        return str(_("预存款不足，订单等着发货"))
    if alert.kind == "payment_reference":
        return str(_("同一笔付款被报给了两张支付单，后一张没有入账，请核对"))
    if alert.kind == "bonus_funds":
        return str(_("预存不足，充值赠送没有送出"))
    if alert.kind == "station_funds":
        return str(_("分站预存不足，订单在等货款"))
    if alert.kind in ("supplier_demoted", "supplier_paused") and "value" in facts:
        said = {"no": facts.get("supplier_id"), "rate": f"{facts['value'] / 100:g}%"}
        if alert.kind == "supplier_paused":
            return str(_("供应商 %(no)s 近期成功率只有 %(rate)s，已暂停采购", **said))
        return str(_("供应商 %(no)s 近期成功率降到 %(rate)s，已排到后面", **said))
    if alert.kind == "plan_behind":
        return str(_("备货计划“%(name)s”落后于进度", name=facts.get("name", "—")))
    if alert.kind == "withdrawal":
        return str(_("提现 %(no)s 等得太久", no=facts.get("withdrawal_no", "—")))
    found = _supply_title(alert.kind, facts, name) or _recovery_title(alert)
    if found:
        return found
    if alert.kind == "refund_request":
        return str(_("退款申请等了一天：%(no)s", no=facts.get("order_no", "—")))
    if alert.kind == "refund_declined":
        said = facts.get("message", "")
        return str(_("退款被网关拒绝：%(said)s", said=said)) if said else str(_("退款被网关拒绝"))
    return str(alert.title)


def _recovery_title(alert: Any) -> str:
    """What an alert of backups or of a restore says, "" when it is none."""
    facts = alert.detail or {}
    if alert.kind == "backup" and alert.subject in ("backup", "drill"):
        said = facts.get("error", "—")
        if alert.subject == "drill":
            return str(_("恢复演练没有通过：%(said)s", said=said))
        return str(_("备份失败：%(said)s", said=said))
    if alert.kind == "recovery_payment":
        no = facts.get("attempt_no", "—")
        return str(_("恢复前的付款找不到支付单，请在渠道后台核实后退款：%(no)s", no=no))
    if alert.kind == "recovery_report":
        return str(_("恢复已结束，请看“备份与恢复”里的结果"))
    return str(RECOVERY_ALERTS.get((alert.kind, alert.subject), ""))


def _supply_title(kind: str, facts: Mapping[str, Any], sku: Any) -> str:
    """What an alert of supply says, "" when it is none or its SKU is not known."""
    if kind == "supply_sync":
        n, said = facts.get("failed", "—"), facts.get("error", "")
        return str(_("供货接口连续 %(n)s 次同步失败：%(said)s", n=n, said=said))
    if kind == "supply_balance":
        return str(_("供货接口的预存余额不足"))
    if kind == "supply_waiting":
        return str(_("订单在等供货"))
    if kind == "supply_connection":
        return str(_("供货接口连续失败，已暂停采购：%(said)s", said=facts.get("error", "—")))
    if sku and kind == "supply_gone":
        return str(_("供应商不再供应 %(name)s", name=sku))
    if sku and kind == "supply_none":
        return str(_("%(name)s 没有可用的供货", name=sku))
    if sku and kind == "supply_paused":
        return str(_("%(name)s 的成本不低于售价，已暂停销售", name=sku))
    return ""

"""Short texts made of data: who acted, what happened, how big, how long."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import g
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import text

from kameng.db import db
from kameng_admin.words import EVENT_FACTS

# audit action → (icon, tone, sentence)
ACTIONS: Mapping[str, tuple[str, str, Any]] = {
    "station.apply": ("building-store", "info", _l("提交开站申请")),
    "station.approve": ("user-check", "ok", _l("通过开站申请")),
    "station.reject": ("circle-x", "idle", _l("驳回开站申请")),
    "station.state": ("building-store", "warn", _l("改变分站状态")),
    "station.profile": ("building-store", "idle", _l("修改店铺资料")),
    "card.import": ("database", "ok", _l("导入卡密")),
    "card.reveal": ("eye", "warn", _l("查看卡密")),
    "card.void": ("trash", "bad", _l("作废批次")),
    "cost.change": ("report-money", "info", _l("修改成本")),
    "price.rule": ("discount", "info", _l("修改定价规则")),
    "product.create": ("package", "info", _l("新建商品")),
    "product.update": ("package", "idle", _l("修改商品")),
    "product.state": ("package", "info", _l("改变商品状态")),
    "category.save": ("category", "idle", _l("保存分类")),
    "price.listing": ("discount", "info", _l("修改报价")),
    "member.unmask": ("eye", "warn", _l("查看完整账号")),
    "order.unmask": ("eye", "warn", _l("查看买家联系方式")),
    "listing.on": ("discount", "idle", _l("上架规格")),
    "listing.off": ("discount", "idle", _l("下架规格")),
    "listing.price": ("discount", "info", _l("自定售价")),
    "listing.rule": ("discount", "idle", _l("恢复按规则定价")),
    "order.cancel": ("ban", "idle", _l("取消订单")),
    "purchase.complete": ("circle-check", "ok", _l("完成人工订单")),
    "purchase.fail": ("circle-x", "bad", _l("人工订单未成功")),
    "purchase.ask": ("refresh", "info", _l("查询采购单")),
    "purchase.again": ("send", "warn", _l("重发采购单")),
    "purchase.take_back": ("rotate", "warn", _l("请求撤回采购")),
    "purchase.accept": ("check", "warn", _l("照单收下采购")),
    "purchase.exchanges": ("eye", "warn", _l("查看采购报文")),
    "supply.connection_add": ("plug", "info", _l("添加供货接口")),
    "supply.connection_save": ("plug", "idle", _l("修改供货接口")),
    "supply.connection_pause": ("player-pause", "warn", _l("暂停供货接口")),
    "supply.connection_resume": ("player-play", "ok", _l("恢复供货接口")),
    "supply.connection_reset": ("refresh", "ok", _l("解除接口熔断")),
    "supply.connection_sync": ("refresh", "idle", _l("马上同步供货")),
    "supply.map": ("list-check", "info", _l("映射供货")),
    "supply.unmap": ("list", "warn", _l("取消供货映射")),
    "supply.offer_on": ("player-play", "ok", _l("启用供货")),
    "supply.offer_off": ("player-pause", "warn", _l("停用供货")),
    "supply.sourcing": ("truck-delivery", "info", _l("更改货源")),
    "supply.policy": ("scale", "info", _l("修改供货规则")),
    "supply.confirm_cost": ("user-check", "warn", _l("确认成本")),
    "plugin.configure": ("settings", "idle", _l("修改插件设置")),
    "plugin.clear_secret": ("key", "warn", _l("清除插件密钥")),
    "plugin.submit": ("send", "idle", _l("提交插件审核")),
    "plugin.report": ("list-check", "idle", _l("上传插件检查报告")),
    "plugin.approve": ("shield-check", "ok", _l("批准插件版本")),
    "plugin.refuse": ("ban", "bad", _l("拒绝插件版本")),
    "plugin.enable": ("plug", "ok", _l("启用插件")),
    "plugin.disable": ("plug", "warn", _l("停用插件")),
    "plugin.add_account": ("building-bank", "info", _l("添加收款账户")),
    "plugin.remove_account": ("trash", "warn", _l("删除收款账户")),
    "payment.account_terms": ("building-bank", "info", _l("修改收款账户的使用条件")),
    "payment.account_reset": ("refresh", "ok", _l("恢复暂停的收款账户")),
    "plugin.use_main_account": ("plug", "idle", _l("改用主站账户")),
    "staff.create": ("user-plus", "info", _l("新建员工")),
    "staff.state": ("lock", "warn", _l("改变员工状态")),
    "staff.role": ("shield-lock", "warn", _l("改变员工角色")),
    "staff.totp_reset": ("key", "warn", _l("重置动态验证码")),
    "role.save": ("shield-lock", "warn", _l("保存角色权限")),
    "member.state": ("lock", "warn", _l("改变会员状态")),
    "member.register": ("user-plus", "idle", _l("注册会员")),
    "station.grade": ("star", "info", _l("调整分站等级")),
    "risk.release": ("shield-check", "ok", _l("放行冻结订单")),
    "risk.refuse": ("ban", "bad", _l("拒绝冻结订单并退款")),
    "login.ok": ("login", "idle", _l("登录")),
    "login.failed": ("login", "bad", _l("登录失败")),
    "password.change": ("key", "warn", _l("修改密码")),
    "export": ("download", "warn", _l("导出数据")),
    "alert.close": ("check", "idle", _l("关闭预警")),
    "job.retry": ("refresh", "info", _l("重试任务")),
    "backup.now": ("database", "info", _l("开始备份")),
    "backup.drill": ("refresh", "info", _l("开始恢复演练")),
    "recovery.end": ("shield-check", "warn", _l("结束恢复模式")),
    "recovery.order": ("circle-check", "info", _l("核实后继续采购")),
    "settlement.terms": ("scale", "warn", _l("修改结算条款")),
    "settlement.terms_default": ("scale", "idle", _l("改回默认条款")),
    "withdrawal.request": ("building-bank", "info", _l("申请提现")),
    "withdrawal.cancel": ("building-bank", "idle", _l("撤回提现")),
    "withdrawal.refuse": ("building-bank", "bad", _l("撤销提现")),
    "withdrawal.start": ("send", "warn", _l("用渠道打款")),
    "withdrawal.pay": ("send", "ok", _l("人工打款")),
    "withdrawal.decide": ("send", "warn", _l("核实打款结果")),
    "approval.agree": ("user-check", "ok", _l("同意申请")),
    "approval.refuse": ("user-check", "bad", _l("拒绝申请")),
    "ledger.verify": ("shield-check", "ok", _l("账本自证")),
    "bill.request": ("scale", "warn", _l("申请记对账差额")),
    "bill.applied": ("check", "ok", _l("对账：查询后入账")),
    "bill.retried": ("refresh", "info", _l("对账：重试退款")),
    "bill.later": ("clock", "idle", _l("对账：标记次日到账")),
    "bill.held": ("clock", "warn", _l("对账：挂账待查")),
    "bill.ignored": ("check", "warn", _l("对账：忽略并说明")),
    "bill.fetch": ("refresh", "idle", _l("取账单")),
    "payment.query": ("refresh", "info", _l("主动查询支付")),
    "payment.confirm": ("building-bank", "warn", _l("确认转账到账")),
    "payment.refuse": ("circle-x", "idle", _l("转账没有到账，拒绝")),
    "refund.create": ("receipt-refund", "warn", _l("发起退款")),
    "refund.retry": ("refresh", "info", _l("重试退款")),
    "refund.hand": ("receipt-refund", "warn", _l("登记线下退款")),
    "refund_request.accept": ("receipt-refund", "warn", _l("同意退款申请")),
    "refund_request.decline": ("circle-x", "idle", _l("拒绝退款申请")),
    "adjustment.request": ("switch-horizontal", "warn", _l("申请调账")),
    "api_key.make": ("key", "info", _l("新建接口密钥")),
    "api_key.secret": ("key", "info", _l("新建第二个密钥")),
    "api_key.secret_revoke": ("key", "warn", _l("停用一个密钥")),
    "api_key.change": ("key", "idle", _l("修改接口密钥")),
    "api_key.limit": ("adjustments", "info", _l("修改接口频率")),
    "api_key.revoke": ("ban", "warn", _l("停用接口密钥")),
    "dock.switch": ("plug", "warn", _l("开关接口")),
    "bonus.save": ("gift", "info", _l("保存充值赠送")),
    "bonus.switch": ("gift", "idle", _l("开关充值赠送")),
    "bonus.delete": ("gift", "idle", _l("删除充值赠送")),
    "supplier.pause": ("player-pause", "bad", _l("暂停向供应商采购")),
    "score.compute": ("refresh", "idle", _l("重新给供应商评分")),
    "score.rules": ("adjustments", "warn", _l("修改评分规则")),
    "season.add": ("calendar", "info", _l("添加时令")),
    "season.drop": ("calendar", "idle", _l("删除时令")),
    "plan.create": ("clipboard", "info", _l("新建备货计划")),
    "plan.line": ("clipboard", "idle", _l("增减备货规格")),
    "plan.lines": ("clipboard", "info", _l("修改备货数量")),
    "plan.start": ("clipboard", "ok", _l("开始备货计划")),
    "plan.close": ("clipboard", "idle", _l("结束备货计划")),
    "plan.drop": ("trash", "idle", _l("删除备货草稿")),
    "supplier.apply": ("building-store", "info", _l("申请成为供应商")),
    "supplier.approve": ("user-check", "ok", _l("通过供应商申请")),
    "supplier.refuse": ("circle-x", "idle", _l("拒绝供应商申请")),
    "supplier.state": ("building-store", "warn", _l("改变供应商状态")),
    "supplier.grade": ("star", "warn", _l("改变供应商等级")),
    "supplier.resume": ("player-play", "ok", _l("恢复向供应商采购")),
    "supplier.invite": ("mail", "info", _l("邀请供应商的人")),
    "supplier.totp": ("shield-check", "idle", _l("绑定动态验证码")),
    "supplier.totp_reset": ("key", "warn", _l("重置动态验证码")),
    "supplier.password": ("key", "idle", _l("设置密码")),
    "supplier.key": ("key", "info", _l("新建接口密钥")),
    "supplier.key_revoke": ("ban", "idle", _l("停用接口密钥")),
    "supplier.document": ("id-badge-2", "info", _l("供应商提交材料")),
    "supplier.offers": ("package", "idle", _l("供应商改供货")),
    "statement.answer": ("report-money", "info", _l("供应商答复对账单")),
    "supplier.document_open": ("eye", "warn", _l("查看供应商材料")),
    "supplier.document_approve": ("circle-check", "ok", _l("通过供应商材料")),
    "supplier.document_refuse": ("circle-x", "idle", _l("退回供应商材料")),
    "supplier.payment": ("report-money", "warn", _l("登记供应商付款")),
    "contract.draft": ("certificate", "idle", _l("起草合同")),
    "contract.change": ("certificate", "idle", _l("修改合同草稿")),
    "contract.sign": ("certificate", "ok", _l("合同生效")),
    "contract.end": ("certificate", "warn", _l("结束合同")),
    "contract.costs": ("certificate", "info", _l("修改约定成本")),
    "statement.their_total": ("report-money", "idle", _l("登记对方合计")),
    "statement.compare": ("report-money", "info", _l("核对供应商账单")),
    "dispute.open": ("scale", "warn", _l("提出供货纠纷")),
    "dispute.answer": ("message", "info", _l("供应商答复纠纷")),
    "dispute.reply": ("message", "idle", _l("回复供货纠纷")),
    "dispute.agree": ("circle-check", "ok", _l("供货纠纷达成一致")),
    "dispute.close": ("check", "idle", _l("结束供货纠纷")),
}
ACTORS = {
    "system": _l("系统"),
    "supply": _l("供货成本"),
    "scheduler": _l("系统"),
    "job": _l("系统"),
    "demo": _l("演示数据"),
    "guest": _l("买家"),
    "shopper": _l("买家"),
    "applicant": _l("申请人"),
    "risk": _l("风控规则"),
    "gateway": _l("支付网关"),
    "payment-alipay": _l("支付宝"),
    "payment-epay": _l("易支付"),
    "payment-wechatpay": _l("微信支付"),
    "payment-stripe": "Stripe",
    "payment-unionpay": _l("银联"),
    "payment-bank-transfer": _l("银行转账"),
    "payment-balance": _l("余额"),
    "member": _l("会员"),
    "staff": _l("员工"),
    "supplier": _l("供应商"),
}
PEOPLE_SQL = text("SELECT station_id, id, name FROM staff")
STATIONS_SQL = text("SELECT id, name FROM station")


def action_of(action: str) -> tuple[str, str, Any]:
    """Icon, tone and words of an audit action; an unknown one shows its own name."""
    return ACTIONS.get(action) or ("point", "idle", action)


def station_names() -> dict[int, str]:
    """Names of all stations, once a request."""
    if "console_stations" not in g:
        g.console_stations = {row.id: row.name for row in db.session.execute(STATIONS_SQL)}
    return dict(g.console_stations)


def station_name(station_id: int) -> str:
    """Name of a station, its number when it has none."""
    return station_names().get(station_id, f"#{station_id}")


def actor_text(actor: str, station_id: int = 1) -> Any:
    """`staff:3` → the person's name; other kinds in words."""
    kind, _sep, number = actor.partition(":")
    if kind == "staff" and number.isdecimal():
        if "console_people" not in g:
            rows = db.session.execute(PEOPLE_SQL)
            g.console_people = {(row.station_id, row.id): row.name for row in rows}
        name = g.console_people.get((station_id, int(number)))
        return name or g.console_people.get((1, int(number))) or _("员工 %(no)s", no=number)
    if kind in ("member", "supplier") and number:
        return str(SUBJECTS[kind]) % {"no": number}
    if kind == "m" and number:  # a shopper's key: m:station:member, or g:contact
        return _("会员 %(no)s", no=number.rpartition(":")[2])
    if kind == "g" and number:
        return ACTORS["guest"]  # what follows is the contact, which stays masked everywhere
    return ACTORS.get(kind, actor)


def actor_code(actor: str) -> str:
    """An actor for a sheet: as it is stored, without a shopper's contact."""
    return "guest" if actor.startswith("g:") else actor


def duration_text(seconds: float | None) -> str:
    """Seconds as people say them: 0.4 秒, 48 秒, 12 分, 3 小时, 2 天."""
    if seconds is None:
        return "—"
    if seconds < 10:
        return str(_("%(n)s 秒", n=f"{seconds:.1f}"))
    for limit, unit, words in (
        (120, 1, _l("%(n)s 秒")),
        (7200, 60, _l("%(n)s 分")),
        (172_800, 3600, _l("%(n)s 小时")),
    ):
        if seconds < limit:
            return str(words) % {"n": int(seconds // unit)}
    return str(_("%(n)s 天", n=int(seconds // 86_400)))


def percent_text(share: float | None, digits: int = 2) -> str:
    """99.31%; a dash when there is nothing to divide."""
    return "—" if share is None else f"{share:.{digits}f}%"


SUBJECTS = {
    "connection": _l("供货接口 %(no)s"),
    "offer": _l("供货 %(no)s"),
    "order": _l("订单 %(no)s"),
    "sku": _l("规格 %(no)s"),
    "staff": _l("员工 %(no)s"),
    "member": _l("会员 %(no)s"),
    "station": _l("分站 %(no)s"),
    "batch": _l("批次 %(no)s"),
    "application": _l("申请 %(no)s"),
    "category": _l("分类 %(no)s"),
    "product": _l("商品 %(no)s"),
    "role": _l("角色 %(no)s"),
    "run": _l("任务 %(no)s"),
    "plugin": _l("插件 %(no)s"),
    "list": _l("列表 %(no)s"),
    "alert": _l("预警 %(no)s"),
    "difference": _l("对账差异 %(no)s"),
    "bill": _l("账单 %(no)s"),
    "account": _l("收款账户 %(no)s"),
    "attempt": _l("支付单 %(no)s"),
    "rule": _l("规则 %(no)s"),
    "bonus": _l("赠送规则 %(no)s"),
    "adjustment": _l("调账 %(no)s"),
    "refund": _l("退款单 %(no)s"),
    "withdrawal": _l("提现 %(no)s"),
    "approval": _l("审批 %(no)s"),
    "supplier": _l("供应商 %(no)s"),
    "season": _l("时令 %(no)s"),
    "plan": _l("备货计划 %(no)s"),
    "contract": _l("合同 %(no)s"),
    "api_key": _l("接口密钥 %(no)s"),
    "dialect": _l("接口 %(no)s"),
    "supplier-login": _l("登录名 %(no)s"),
    "staff-login": _l("登录名 %(no)s"),
    "member-login": _l("登录名 %(no)s"),
}


def subject_text(subject: str) -> str:
    """`sku:5` → 规格 5."""
    kind, sep, number = subject.partition(":")
    if kind == "station" and number.isdecimal():
        return station_name(int(number))
    if subject == "score_terms":
        return str(_("评分规则"))
    if subject == "ledger":
        return str(_("账本"))
    words = SUBJECTS.get(kind) if sep else None
    return str(words) % {"no": number} if words else subject


def detail_text(detail: Mapping[str, Any]) -> str:
    """The facts of an audit event on one line."""
    shown = [(EVENT_FACTS.get(name, name), value) for name, value in detail.items()]
    return "  ".join(f"{name} {_short(value)}" for name, value in shown if value != "")[:300]


def _short(value: Any) -> str:
    shown = str(value)
    return shown if len(shown) <= 60 else f"{shown[:57]}…"

"""Card pools, batches with their import, and alerts. No card's text ever comes here."""

from __future__ import annotations

from datetime import date
from typing import Any

from flask import Response, g, redirect, render_template_string, request
from flask_admin import expose
from flask_admin.actions import action
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from markupsafe import Markup
from sqlalchemy import select

from kameng.catalog.models import Product, Sku, SkuCost
from kameng.db import db
from kameng.errors import DomainError
from kameng.stock import api as stock
from kameng.stock.models import Alert, CardBatch
from kameng.suppliers.api import DOCUMENT_KINDS
from kameng.web.limits import client_ip
from kameng_admin import board, labels, links, people, texts, words
from kameng_admin.base import export as sheets
from kameng_admin.base.actions import attempt, error_text, reason_given
from kameng_admin.base.cells import badge, two_lines
from kameng_admin.base.columns import Column, Filter, Tab, day_of, equals, equals_number
from kameng_admin.base.guard import Guarded, Place, may, needs
from kameng_admin.base.model_view import ReadOnlyView, SecureModelView
from kameng_admin.labels import Mark
from kameng_admin.shell import Crumb
from kameng_admin.views.orders import choices_of
from kameng_admin.views.prices import sku_names

ALERT_KINDS = {
    "low_stock": _l("库存偏低"),
    "sold_out": _l("已售罄"),
    "card_expiry": _l("卡密将过期"),
    "card_broken": _l("卡密打不开"),
    "payment_amount": _l("支付金额不符"),
    "payment_reference": _l("付款重复上报"),
    "refund_declined": _l("退款被拒"),
    "refund_request": _l("退款申请没人处理"),
    "payment_account": _l("收款账户暂停"),
    "station_funds": _l("分站预存款不足"),
    "fulfil_overdue": _l("订单超时"),
    "purchase_orphan": _l("采购对不上"),
    "supplier_config": _l("供应设置"),
    "purchase_late": _l("先失败后发货"),
    "supply_connection": _l("供货接口熔断"),
    "supply_waiting": _l("订单在等供货"),
    "supply_balance": _l("供货余额不足"),
    "supply_sync": _l("供货同步失败"),
    "supply_gone": _l("供货消失"),
    "supply_none": _l("没有可用供货"),
    "supply_paused": _l("成本高于售价"),
    "payment.amount_mismatch": _l("支付金额不符"),
    "supplier_application": _l("供应商申请"),
    "contract_ending": _l("合同将到期"),
    **{f"paper_{kind}_{mark}": _l("资质将到期") for kind in DOCUMENT_KINDS for mark in (30, 7, 0)},
    "ledger": _l("账本"),
    "reconciliation": _l("对账"),
    "dead_letter": _l("任务死信"),
    "plugin": _l("插件"),
}


POOLS = (("admin_stock", _l("库存")), ("admin_batches", _l("导入批次")))


class StockView(ReadOnlyView):
    """Pools of card SKUs, counted exactly."""

    need = "stock.view"
    place = Place(_l("商品"), _l("卡池"), "stack-2")
    family = POOLS
    search_in = ("code", "name", "product.name")
    search_hint = _l("规格、商品")
    order = ("id", False)
    empty = ("stack-2", _l("还没有卡密规格"), _l("建好卡密类商品和规格后，在这里补货。"))
    columns = (
        Column(
            "name",
            _l("规格"),
            lambda s: two_lines(f"{s.product.name} {s.name}", s.code),
            phone="title",
            export=lambda s: f"{s.product.name} {s.name}",
        ),
        Column(
            "unsold",
            _l("可售"),
            lambda s: _count(s, "unsold"),
            css="is-num is-strong",
            phone="amount",
            export=lambda s: _count(s, "unsold"),
        ),
        Column(
            "held",
            _l("占用"),
            lambda s: _count(s, "held"),
            css="is-num",
            export=lambda s: _count(s, "held"),
        ),
        Column(
            "sold",
            _l("已售"),
            lambda s: _count(s, "sold"),
            css="is-num",
            export=lambda s: _count(s, "sold"),
        ),
        Column(
            "void",
            _l("作废"),
            lambda s: _count(s, "void"),
            css="is-num",
            export=lambda s: _count(s, "void"),
        ),
        Column("low_stock", _l("预警线"), css="is-num"),
        Column("level", _l("状态"), lambda s: badge(_level(s)), phone="state", in_export=False),
    )
    tabs = (
        Tab("all", _l("全部"), None, counted=False),
        Tab("low", _l("见底"), lambda: Sku.id.in_(_low_ids())),
    )

    def restrict(self, query: Any) -> Any:
        """Card goods alone."""
        return query.join(Product, Product.id == Sku.product_id).filter(Product.kind == "card")

    def prepare(self, rows: Any) -> None:
        """Counts of the page's pools at once."""
        g.console_pools = stock.pool_counts([row.id for row in rows])

    def row_actions(self, row: Any) -> Any:
        """Fill up."""
        if not may("card.import"):
            return ""
        url = self.get_url("admin_batches.import_page", sku=row.id)
        return Markup('<a class="btn btn-sm" href="{}">{}</a>').format(url, _("补货"))


class BatchesView(ReadOnlyView):
    """Imports of cards and their progress."""

    need = "stock.view"
    place = Place(_l("商品"), _l("卡池"), "file-import")
    family = POOLS
    in_menu = False
    search_in = ("name", "source")
    search_hint = _l("批次号、文件名")
    order = ("id", True)
    head_template = "kameng_admin/batch_actions.html"
    empty = ("file-import", _l("还没有导入过卡密"), _l("支持 TXT、CSV、XLSX，一行一张卡。"))
    columns = (
        Column(
            "name",
            _l("批次"),
            lambda b: two_lines(b.name, b.source),
            phone="title",
            export=lambda b: b.name,
        ),
        Column("sku_id", _l("规格"), lambda b: _sku_name(b.sku_id), phone="meta"),
        Column(
            "imported",
            _l("入库"),
            lambda b: f"{b.imported:,}",
            css="is-num is-strong",
            phone="amount",
        ),
        Column("duplicated", _l("重复"), lambda b: f"{b.duplicated:,}", css="is-num"),
        Column("rejected", _l("不合格"), lambda b: f"{b.rejected:,}", css="is-num"),
        Column("expires_on", _l("有效期至")),
        Column("created_by", _l("导入人"), lambda b: texts.actor_text(b.created_by)),
        Column("created_at", _l("时间"), css="km-nowrap", sort=True),
        Column(
            "state", _l("状态"), lambda b: badge(labels.mark(labels.BATCH, b.state)), phone="state"
        ),
    )
    tabs = (
        Tab("all", _l("全部"), None, counted=False),
        Tab("importing", _l("导入中"), lambda: CardBatch.state == "importing"),
        Tab("failed", _l("失败"), lambda: CardBatch.state == "failed"),
    )
    filters_offered = (
        Filter(
            "sku", _l("规格"), equals_number(CardBatch.sku_id), choices=lambda: card_sku_choices()
        ),
        Filter(
            "day",
            _l("时间"),
            day_of(CardBatch.created_at),
            "day",
            choices=lambda: [("today", _l("今天")), ("7d", _l("7 天")), ("30d", _l("30 天"))],
        ),
    )

    def prepare(self, rows: Any) -> None:
        """Names of the page's SKUs."""
        g.console_batch_skus = sku_names({row.sku_id for row in rows})

    def row_url(self, row: Any) -> str:
        """The batch's page."""
        return str(self.get_url(".detail_page", batch_id=row.id))

    @expose("/import", methods=("GET", "POST"))
    @needs("card.import")
    def import_page(self) -> Any:
        """Upload; the import itself is a worker's, the page shows its progress."""
        error = ""
        if request.method == "POST":
            try:
                number = _start(request)
            except DomainError as refused:
                db.session.rollback()
                error = error_text(refused)
            else:
                people.record("card.import", f"batch:{number}", {})
                return redirect(self.get_url(".detail_page", batch_id=number), 303)
        return self.page(
            "kameng_admin/batch_new.html",
            422 if error else 200,
            error=error,
            skus=card_sku_choices(),
            chosen=request.values.get("sku", ""),
            page_title=_("导入卡密"),
            crumbs=self.crumbs(Crumb(_("导入"))),
            today=date.today().isoformat(),
        )

    @expose("/<int:batch_id>")
    def detail_page(self, batch_id: int) -> Any:
        """Progress, refused lines, and taking the batch back."""
        view = stock.batch(batch_id)
        cost = db.session.get(SkuCost, view.sku_id) if may("cost.view") else None
        return self.render(
            "kameng_admin/batch.html",
            page_title=_("导入卡密"),
            crumbs=self.crumbs(Crumb(view.name)),
            batch=view,
            cost=cost,
            state=labels.mark(labels.BATCH, view.state),
            texts=texts,
        )

    @expose("/<int:batch_id>/progress")
    def progress(self, batch_id: int) -> Any:
        """The moving part; the page stops asking when the import is over."""
        view = stock.batch(batch_id)
        cost = db.session.get(SkuCost, view.sku_id) if may("cost.view") else None
        return super(Guarded, self).render(
            "kameng_admin/batch_progress.html",
            batch=view,
            cost=cost,
            state=labels.mark(labels.BATCH, view.state),
        )

    @expose("/<int:batch_id>/errors.csv")
    def errors_sheet(self, batch_id: int) -> Any:
        """Numbers and reasons of the refused lines (never the lines themselves)."""
        view = stock.batch(batch_id)
        rows = [(error.line, error.reason, error.remedy) for error in view.errors]
        body = "".join(sheets.csv_lines([_("行号"), _("问题"), _("怎么改")], rows))
        headers = {"Content-Disposition": f'attachment; filename="batch-{batch_id}-errors.csv"'}
        return Response(body, headers=headers, mimetype=sheets.CSV_TYPE)

    @expose("/<int:batch_id>/void", methods=("POST",))
    @needs("card.void")
    def void(self, batch_id: int) -> Any:
        """Withdraw the unsold cards for good."""
        back = str(self.get_url(".detail_page", batch_id=batch_id))

        def deed() -> int:
            reason = reason_given(request.form.get("reason"))
            return stock.void_batch(batch_id, people.actor(), reason, client_ip())

        return attempt(deed, lambda n: _("已作废 %(n)s 张未售的卡", n=n), back)


class AlertsView(SecureModelView):
    """What the system wants a person to look at; each is raised once."""

    need = "alert.view"
    place = Place(_l("商品"), _l("预警"), "bell")
    search_in = ("title", "subject")
    search_hint = _l("预警内容")
    order = ("opened_at", True)
    empty = ("bell", _l("没有预警"), _l("库存、支付、账本有异常时会出现在这里，处理好会自动关闭。"))
    columns = (
        Column("title", _l("预警"), words.alert_title, phone="title"),
        Column("kind", _l("类型"), lambda a: ALERT_KINDS.get(a.kind, a.kind)),
        Column("subject", _l("对象"), lambda a: links.subject_link(a.subject), phone="meta"),
        Column("station_id", _l("分站"), lambda a: texts.station_name(a.station_id)),
        Column("opened_at", _l("时间"), css="km-nowrap", sort=True, phone="amount"),
        Column(
            "state", _l("状态"), lambda a: badge(labels.mark(labels.ALERT, a.state)), phone="state"
        ),
        Column("closed_at", _l("关闭"), css="km-nowrap"),
    )
    tabs = (
        Tab("open", _l("未处理"), lambda: Alert.state == "open"),
        Tab("all", _l("全部"), None, counted=False),
    )
    filters_offered = (
        Filter("kind", _l("类型"), equals(Alert.kind), choices=choices_of(ALERT_KINDS)),
    )

    def prepare(self, rows: Any) -> None:
        """Names of what the page's alerts are about."""
        links.load(row.subject for row in rows)

    action_needs = {"close": "alert.view"}  # noqa: RUF012  # read only

    @action("close", _l("关闭"), _l("关闭选中的预警？"))
    def action_close(self, ids: list[str]) -> None:
        """Close several at once."""
        self.each(ids, _close, lambda n: str(_("已关闭 %(n)s 条预警", n=n)))

    def row_actions(self, row: Any) -> Any:
        """Close."""
        if row.state != "open":
            return ""
        page = (
            "{% import 'kameng_admin/kit.html' as kit %}{{ kit.post_button(url, label, 'check') }}"
        )
        address = self.get_url(".close", station_id=row.station_id, alert_id=row.id)
        # The template escaped what it filled in; the list must not escape the button again.
        return Markup(render_template_string(page, url=address, label=_("关闭")))

    @expose("/<int:station_id>/<int:alert_id>/close", methods=("POST",))
    def close(self, station_id: int, alert_id: int) -> Any:
        """Seen and dealt with."""
        row = self.get_one(f"{station_id},{alert_id}")

        return attempt(lambda: _close(row), _l("预警已关闭"), str(self.get_url(".index_view")))


def _close(row: Alert) -> None:
    stock.close_alert(row.kind, row.subject, row.station_id)
    people.record("alert.close", f"alert:{row.id}", {"kind": row.kind})


def card_sku_choices() -> list[tuple[str, str]]:
    """Card SKUs for a select."""
    rows = db.session.execute(
        select(Sku.id, Product.name, Sku.name)
        .join(Product, Product.id == Sku.product_id)
        .where(Product.kind == "card")
        .order_by(Product.position, Product.id, Sku.position)
    )
    return [(str(number), f"{product} {name}") for number, product, name in rows]


def _start(upload_request: Any) -> int:
    form = upload_request.form
    raw = form.get("sku", "")
    if not raw.isdecimal() or len(raw) > 12:
        raise DomainError("sku_missing", _("请选择规格"))
    expires = form.get("expires_on", "").strip()
    try:
        expires_on = date.fromisoformat(expires) if expires else None
    except ValueError:
        raise DomainError("date_invalid", _("有效期写成 2029-11-21 这样")) from None
    upload = upload_request.files.get("cards")
    pasted = form.get("pasted", "").strip()
    if upload is not None and upload.filename:
        stream, name = upload.stream, upload.filename
    elif pasted:
        stream, name = pasted.encode(), "pasted.txt"
    else:
        raise DomainError("file_missing", _("请选择文件，或把卡密粘贴进来"))
    return stock.start_import(
        int(raw), stream, name, people.actor(), expires_on, form.get("batch_name", "")[:80]
    )


def _count(sku: Sku, status: str) -> int:
    return int(g.console_pools.get(sku.id, {}).get(status, 0))


def _level(sku: Sku) -> Mark:
    free = _count(sku, "unsold")
    if not free:
        return Mark("bad", "alert-circle", _("已售罄"))
    if free <= sku.low_stock:
        return Mark("warn", "alert-triangle", _("见底"))
    return Mark("ok", "circle-check", _("充足"))


def _low_ids() -> list[int]:
    if "console_low" not in g:
        g.console_low = [low.id for low in board.low_skus()]
    return list(g.console_low)


def _sku_name(sku_id: int) -> str:
    name = g.console_batch_skus.get(sku_id)
    return name[1] if name else f"#{sku_id}"

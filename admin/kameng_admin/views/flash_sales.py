"""限时秒杀 of the main station's own shop; a station plans its sales in its own console."""

from __future__ import annotations

from typing import Any

from flask import flash, redirect, request
from flask_admin import BaseView, expose
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from kameng.promotions import api as promotions
from kameng.web.limits import client_ip
from kameng_admin import people
from kameng_admin.base.actions import attempt
from kameng_admin.base.guard import Guarded, Place, needs

MAIN_STATION = 1


class FlashSalesView(Guarded, BaseView):
    """Sales with their figures at the left, the form of a new one at the right."""

    need = "price.view"
    place = Place(_l("商品"), _l("限时秒杀"), "bolt")

    @expose("/")
    def index_view(self) -> Any:
        """The last hundred sales of the main station's shop."""
        return self._page({"sku": request.args.get("sku", "")[:100], "units": "10"})

    @expose("/plan", methods=("POST",))
    @needs("price.edit")
    def plan(self) -> Any:
        """Plan one; what is wrong is said at its field."""
        given = {name: value[:100] for name, value in request.form.items()}
        try:
            terms = promotions.read_terms(given)
            promotions.plan_sale(terms, people.actor(), client_ip(), station_id=MAIN_STATION)
        except promotions.SaleInvalid as refused:
            return self._page(given, {str(refused.facts["field"]): str(refused.message)}, 422)
        flash(_("已安排，到时间自动开始和结束"), "ok")
        return redirect(self.get_url(".index_view"), 303)

    @expose("/<sale_no>/close", methods=("POST",))
    @needs("price.edit")
    def close(self, sale_no: str) -> Any:
        """End one that runs, cancel one that has not begun."""

        def deed() -> None:
            promotions.close_sale(
                sale_no[:20], people.actor(), client_ip(), station_id=MAIN_STATION
            )

        return attempt(
            deed, _l("这场秒杀已停止，已下的订单不受影响"), str(self.get_url(".index_view"))
        )

    def _page(
        self, given: dict[str, str], errors: dict[str, str] | None = None, status: int = 200
    ) -> Any:
        return self.page(
            "kameng_admin/flash_sales.html",
            status,
            sales=promotions.all_sales(MAIN_STATION),
            given=given,
            errors=errors or {},
            labels=promotions.LABELS,
            tones=promotions.TONES,
        )

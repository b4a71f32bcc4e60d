"""What a shopper is told when a way to pay cannot be used."""

from __future__ import annotations

from datetime import time

from flask_babel import lazy_gettext as _l

from kameng.errors import DomainError
from kameng.payments.domain.accounts import Unfit


class PaymentRefused(DomainError):
    """Nothing was charged; the message says why."""

    default_status = 409


CODES = {
    Unfit.DEVICE: "wrong_browser", Unfit.TOO_SMALL: "amount_too_small",
    Unfit.TOO_LARGE: "amount_too_large", Unfit.CLOSED: "closed_now",
    Unfit.LIMIT: "limit_reached", Unfit.FUNDS: "station_funds",
    Unfit.BROKEN: "gateway_away", Unfit.OFF: "method_unknown",
}  # fmt: skip


def reason(why: Unfit, opens: time | None = None) -> object:
    """Words for a shopper; no amounts of ours or the shop's are among them."""
    if why is Unfit.CLOSED and opens is not None:
        return _l("现在不开放，%(time)s 起可用", time=f"{opens:%H:%M}")
    return {
        Unfit.DEVICE: _l("请在浏览器打开"),
        Unfit.TOO_SMALL: _l("金额太小，不能用这种方式"),
        Unfit.TOO_LARGE: _l("金额太大，不能用这种方式"),
        Unfit.CLOSED: _l("现在不开放"),
        Unfit.LIMIT: _l("今天的额度用完了，请换一种方式"),
        Unfit.FUNDS: _l("店铺余额不足，暂时不能付款"),
        Unfit.BROKEN: _l("渠道暂时不可用，请换一种方式"),
        Unfit.OFF: _l("这种付款方式现在不可用"),
    }[why]


def refused(why: Unfit, opens: time | None = None) -> PaymentRefused:
    """The error of a start that cannot be."""
    return PaymentRefused(CODES[why], reason(why, opens), status=400 if why is Unfit.OFF else None)

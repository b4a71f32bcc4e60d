"""Who pays, as the gateway knows the shopper."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l

from kameng.payments.services.collecting import PaymentRefused
from kameng_sdk.payments import Device


def payer_url(
    bound_to: str, plugin_id: str, method: str, return_url: str, *, amount: int,
    device: Device | str | None = Device.WECHAT, purpose: str = "order",
) -> str:  # fmt: skip
    """The page of the gateway that comes back to `return_url` with `state` and `code`."""
    raise PaymentRefused("method_unknown", _l("这种付款方式现在不可用"), status=400)


def payer(
    bound_to: str, plugin_id: str, method: str, state: str, code: str, *, purpose: str = "order"
) -> str:
    """Ask the gateway who came back; returns a token for `start(…, payer=…)`."""
    raise PaymentRefused("payer_invalid", _l("没能确认付款人，请重新付款"), status=400)

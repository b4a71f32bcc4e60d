"""Who is about to buy, as far as the request tells: one by Flask's way and by the short one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from flask import g, request

from kameng.web.i18n import current_locale
from kameng_sdk.payments import Device
from kameng_tenants.shop.device import current_device


@dataclass(frozen=True, slots=True)
class Shopper:
    """`shop` is the address of this shop as the browser knows it, without a slash at its end."""

    ip: str
    device: Device
    locale: str
    shop: str
    cookies: Mapping[str, str]
    member_id: int | None = None


def current_shopper() -> Shopper:
    """The shopper of this request, by Flask's way."""
    return Shopper(
        ip=request.remote_addr or "", device=current_device(), locale=current_locale(),
        shop=request.host_url.rstrip("/"), cookies=request.cookies,
        member_id=g.viewer.id if g.viewer.kind == "member" else None,
    )  # fmt: skip

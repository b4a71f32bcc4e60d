"""What stations show: storefront, member centre, sign-up, console, suppliers' portal, themes."""

from __future__ import annotations

from flask import Flask

from kameng.payments.api import device_of
from kameng.web import audiences, kept_pages


def init_app(app: Flask) -> None:
    """Register the themes and all pages of stations with their audiences."""
    from kameng_tenants import account, console, shop, signup, supplier_portal, themes

    themes.init_themes(app)
    themes.add_global(app, "nav_categories", shop.browse.top_categories)
    themes.add_global(app, "device", shop.device.current_device)
    _tell_visitors_apart(app)
    audiences.register(app, shop.blueprint, "station")
    kept_pages.draw_at(app, "/", "shop.home", shop.browse.home_text)
    audiences.register(app, account.blueprint, "station")
    audiences.register(app, signup.blueprint, "main")
    audiences.register(app, supplier_portal.blueprint, "supplier", url_prefix="/supplier")
    audiences.register(app, supplier_portal.programs, "api", url_prefix="/supplier/api/v1")
    audiences.register(app, console.blueprint, "station", url_prefix="/console")
    # Who has paid must reach the order even when the shop is suspended.
    for prefix in ("/o", "/orders/lookup", "/mode"):
        audiences.open_when_closed(app, prefix)


def _tell_visitors_apart(app: Flask) -> None:
    """What pages differ by although nobody is known."""
    from kameng_tenants.shop.keys import PROBE
    from kameng_tenants.themes.engine import MODE_COOKIE

    kept_pages.allow_cookie(app, MODE_COOKIE, {"light", "dark", "auto"})
    kept_pages.allow_cookie(app, PROBE, {"1"})
    kept_pages.differ_by(app, lambda environ: device_of(environ.get("HTTP_USER_AGENT", "")))

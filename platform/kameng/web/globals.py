"""What every template can use."""

from __future__ import annotations

from functools import lru_cache

from flask import Flask
from markupsafe import Markup

from kameng.web import assets_manifest, csrf, formats, headers, i18n, viewer


def asset(name: str) -> str:
    """Address of a bundled asset with its hash; without a build, the plain name."""
    if not assets_manifest.assets_built():
        return assets_manifest.URL_PREFIX + name
    return assets_manifest.asset_path(name)


def icon(name: str, size: int = 20, class_: str = "") -> Markup:
    """A Tabler icon from the sprite; decoration only, so hidden from screen readers."""
    return _drawn(name, size, class_, assets_manifest.assets_version())


@lru_cache(maxsize=1024)
def _drawn(name: str, size: int, class_: str, _version: int) -> Markup:
    # A page of the console has fifty; there are not many different ones.
    classes, href = f"km-icon {class_}".strip(), f"{asset('sprite.svg')}#{name}"
    return Markup(
        '<svg class="{}" width="{}" height="{}" aria-hidden="true" focusable="false">'
        '<use href="{}"/></svg>'
    ).format(classes, size, size, href)


def init_globals(app: Flask) -> None:
    """Register globals and filters in the application's own Jinja environment."""
    install(app.jinja_env)


def install(environment: object) -> None:
    """Give the same globals and filters to another Jinja environment (a theme's own)."""
    environment.globals.update(  # type: ignore[attr-defined]  # jinja2.Environment or a sandbox
        asset=asset,
        icon=icon,
        money=formats.money,
        plain_money=formats.plain_money,
        dt=formats.dt,
        csrf_field=csrf.csrf_field,
        csrf_token=csrf.csrf_token,
        csp_nonce=headers.csp_nonce,
        current_locale=i18n.current_locale,
        html_lang=formats.html_lang,
        viewer=viewer.current_viewer,
    )
    environment.filters.update(  # type: ignore[attr-defined]  # as above
        order_no=formats.order_no,
        mask_phone=formats.mask_phone,
        money=formats.money,
        plain_money=formats.plain_money,
        dt=formats.dt,
    )

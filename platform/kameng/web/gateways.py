"""Origins of the gateways that a station has switched on, for CSP's form-action."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import urlsplit

from kameng.plugins.effective import Effective
from kameng.plugins.host import current_host
from kameng_sdk.manifest import PluginKind

CAPABILITY = "form-target:"  # a manifest names cashiers outside its configured addresses


def gateway_origins(station_id: int) -> list[str]:
    """`https://pay.example` of every enabled payment plugin of a station."""
    found: set[str] = set()
    # Wallets are filled at the main station's accounts, where a station has its own as well.
    host = current_host()
    for main_only in (False, True):
        accounts = host.all_accounts(station_id, kind=PluginKind.PAYMENT, main_only=main_only)
        for _plugin, settings in accounts:
            if settings.enabled:
                found.update(_origins(settings))
    return sorted(found)


def _origins(settings: Effective) -> Iterator[str]:
    for capability in settings.manifest.capabilities:
        if capability.startswith(CAPABILITY):
            yield capability.removeprefix(CAPABILITY)
    for field in settings.manifest.config_fields:
        row = settings.main if field.scope == "main" else settings.account
        if field.kind == "url" and not field.secret and row is not None:
            origin = origin_of(str(row.config.get(field.name) or ""))
            if origin:
                yield origin


def origin_of(url: str) -> str:
    """Scheme, host and port of an address, or nothing."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        return ""
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2].lower()}"

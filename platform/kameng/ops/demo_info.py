"""The demo's addresses, logins and goods, for people (`kameng up`) and programs (`--json`).

The seeder writes logins to ``demo-info.json`` in the state folder: an object with ``staff``
{login, password, totp_secret}, ``owner`` {login, password, station_url}, ``member`` {login,
password}, ``supplier`` {login, password, totp_secret, portal_url} and ``api`` {key, secret,
docs_url}, a key of that member. Addresses and goods are read live.
"""

from __future__ import annotations

import json
import os
from typing import Any

import psycopg
from psycopg.rows import dict_row

from kameng.db.roles import role_url
from kameng.ops.errors import OpsError
from kameng.ops.home import Home
from kameng.settings import Settings

UNITS = 10_000  # of one yuan
_SKUS = """
SELECT sku.code AS sku, product.kind, listing.price,
       CASE WHEN product.kind = 'card'
            THEN (SELECT count(*) FROM card WHERE card.sku_id = sku.id AND status = 0) END AS stock
FROM listing JOIN sku ON sku.id = listing.sku_id JOIN product ON product.id = sku.product_id
WHERE listing.station_id = 1 AND listing.active
  AND sku.state = 'on_sale' AND product.state = 'on_sale'
ORDER BY product.position, product.id, sku.position, sku.id
"""
_HOSTS = "SELECT host FROM host WHERE station_id <> 1 AND kind = 'subdomain' ORDER BY station_id"


def collect(home: Home, settings: Settings) -> dict[str, Any]:
    """All that a demo shows. Raises `OpsError` outside demo mode or before the seeding."""
    if not settings.demo:
        raise OpsError("This installation is not a demo.", "demo-info works with KAMENG_DEMO=1.")
    written = _written(home)
    if not written:
        raise OpsError("There is no demo data yet.", "Start `kameng up` once; it fills the demo.")
    if not settings.database_url:
        raise OpsError("Kameng is not running.", "Start `kameng up` first.")
    with psycopg.connect(role_url(settings, "kameng_main"), row_factory=dict_row) as connection:
        hosts = [row["host"] for row in connection.execute(_HOSTS)]
        skus = [_sku(row) for row in connection.execute(_SKUS)]
    return {
        "main_url": settings.host_url(settings.main_host),
        "station_urls": [settings.host_url(host) for host in hosts],
        "staff": written.get("staff"),
        "owner": written.get("owner"),
        "member": written.get("member"),
        "supplier": written.get("supplier"),
        "api": written.get("api"),
        "simulators_url": f"{settings.simulator_url}/",
        "skus": skus,
        "database_url": settings.database_url,
        "redis_url": settings.redis_url,
    }


def lines(home: Home, settings: Settings) -> list[str]:
    """Addresses and logins for the terminal; empty before the seeding."""
    try:
        info = collect(home, settings)
    except (OpsError, psycopg.Error):
        return []
    found = [f"station        {url}/" for url in info["station_urls"]]
    for who in ("staff", "owner", "member", "supplier"):
        login = info[who]
        if login:
            extra = f"  TOTP secret {login['totp_secret']}" if login.get("totp_secret") else ""
            url = login.get("station_url") or login.get("portal_url")
            where = f"  at {url}" if url else ""
            found.append(f"{who:<14} {login['login']} / {login['password']}{extra}{where}")
    if info["api"]:
        api = info["api"]
        found.append(f"{'api key':<14} {api['key']} / {api['secret']}  at {api['docs_url']}")
    found.append(f"simulators     {info['simulators_url']}")
    return found


def write(home: Home, info: dict[str, Any]) -> None:
    """Keep the seeder's logins; the file is the owner's alone."""
    draft = home.demo_info.with_suffix(".new")
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8") as stream:
        json.dump(info, stream, ensure_ascii=False, indent=1)
    draft.replace(home.demo_info)


def seed_state(home: Home, database_url: str) -> str:
    """``none``, ``started`` (interrupted) or ``done``, for this very database."""
    try:
        noted = json.loads((home.root / "seed.json").read_text(encoding="utf-8"))
    except (FileNotFoundError, json.JSONDecodeError):
        return "none"
    return str(noted["state"]) if noted["database"] == _identity(database_url) else "none"


def note_seed(home: Home, database_url: str, state: str) -> None:
    """Remember how far the seeding of this database came."""
    text = json.dumps({"state": state, "database": _identity(database_url)})
    (home.root / "seed.json").write_text(text, encoding="utf-8")


def _identity(database_url: str) -> str:
    """Names one database of one cluster: a fresh data folder is another one."""
    with psycopg.connect(database_url) as connection:
        row = connection.execute(
            "SELECT system_identifier::text || '/' || oid::text"
            " FROM pg_control_system(), pg_database WHERE datname = current_database()"
        ).fetchone()
    return str(row[0]) if row else ""


def _written(home: Home) -> dict[str, Any]:
    try:
        found: dict[str, Any] = json.loads(home.demo_info.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    return found


def _sku(row: dict[str, Any]) -> dict[str, Any]:
    whole, rest = divmod(row["price"], UNITS)
    price = f"{whole}.{rest:04d}".rstrip("0")
    cents = len(price.partition(".")[2])
    return {**row, "price": price + "0" * (2 - cents) if cents < 2 else price}

"""The proofs that the books must pass: one `*.sql` for each subject, and a loader.

A check is a query that must find nothing. All of one run see the same REPEATABLE READ snapshot.
`-- check: name | title | scope` opens one. The scope says what a moment narrows it to:

- `whole`: nothing, the whole ledger is read every time;
- `transfers`: groups of transfers posted since;
- `orders`: orders with a transfer or a step since, with all that belongs to them;
- `attempts`: attempts with a transfer since, or made in the two days before it;
- `seals`: seals made since.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from importlib import resources

HEAD = re.compile(
    r"^-- check: (\w+) \| (.+) \| (whole|transfers|orders|attempts|seals)$", re.MULTILINE
)
NAMED = re.compile(r"^(\w+) AS (?:NOT )?MATERIALIZED", re.MULTILINE)
CARD = "id, sku_id, status, station_id, order_id"  # nobody may read more of a card
OF_ORDER = ("order_cost", "refund", "card", "payment_attempt", "transfer", "purchase")
OF_ATTEMPT = ("refund", "bonus_grant", "transfer")


@dataclass(frozen=True, slots=True)
class CheckQuery:
    """One proof. `sql` reads everything, `narrowed` what a moment `:since` leaves to be read.

    Both return (subject, expected, found) for whatever is wrong.
    """

    name: str
    title: str
    scope: str
    sql: str
    narrowed: str


@cache
def checks() -> tuple[CheckQuery, ...]:
    """All proofs, file by file, in their order."""
    folder = resources.files(__package__)
    names = sorted(f.name for f in folder.iterdir() if f.name.endswith(".sql"))
    found: list[CheckQuery] = []
    for name in names:
        if not name.startswith("_"):
            _intro, *parts = HEAD.split(folder.joinpath(name).read_text(encoding="utf-8"))
            for check in zip(parts[::4], parts[1::4], parts[2::4], parts[3::4], strict=True):
                found.append(_query(*check))
    return tuple(found)


def _query(name: str, title: str, scope: str, sql: str) -> CheckQuery:
    sql = "\n".join(line for line in sql.strip().splitlines() if not line.startswith("--"))
    whole = _with(_expressions("_world.sql", orders="public.orders", seals=""), sql)
    if scope == "whole":
        return CheckQuery(name, title, scope, whole, whole)
    orders = "narrow" if scope in ("orders", "attempts") else "public.orders"
    world = _expressions("_world.sql", orders=orders, seals="WHERE at >= :since")
    return CheckQuery(name, title, scope, whole, _with(_narrowed(scope) | world, sql))


def _with(known: dict[str, str], sql: str) -> str:
    """The check behind those common expressions that it needs."""
    needed: set[str] = set()
    fresh = {name for name in known if re.search(rf"\b{name}\b", sql)}
    while fresh:
        needed |= fresh
        bodies = " ".join(known[name] for name in fresh).replace("public.", "public_")
        fresh = {name for name in known if re.search(rf"\b{name}\b", bodies)} - needed
    chosen = ",\n".join(body for name, body in known.items() if name in needed)
    return f"WITH {chosen}\nSELECT * FROM (\n{sql}\n) found" if chosen else sql


def _narrowed(scope: str) -> dict[str, str]:
    """Expressions that stand in front of the tables of the same names."""
    if scope == "seals":
        return {}
    if scope == "transfers":
        return {
            "transfer": "transfer AS NOT MATERIALIZED "
            "(SELECT * FROM public.transfer WHERE at >= :since)"
        }
    found = _expressions("_touched.sql")
    found["narrow"] = _belonging("orders", "touched", "id", "order_id", "narrow")
    if scope == "orders":
        found["settlement"] = (
            "settlement AS NOT MATERIALIZED (SELECT x.* FROM public.settlement x JOIN touched k "
            "ON k.station_id = x.order_station_id AND k.order_id = x.order_id)"
        )
        return found | {t: _belonging(t, "touched", "order_id") for t in OF_ORDER}
    attempt = _belonging("payment_attempt", "touched_attempt", "id", "attempt_id")
    found["payment_attempt"] = attempt
    return found | {t: _belonging(t, "touched_attempt", "attempt_id") for t in OF_ATTEMPT}


def _belonging(table: str, touched: str, key: str, of: str = "", name: str = "") -> str:
    columns = ", ".join(f"x.{c}" for c in (CARD if table == "card" else "*").split(", "))
    return (
        f"{name or table} AS NOT MATERIALIZED (SELECT {columns} FROM public.{table} x "
        f"JOIN {touched} k ON k.station_id = x.station_id AND k.{of or key} = x.{key})"
    )


@cache
def _lines(name: str) -> str:
    body = resources.files(__package__).joinpath(name).read_text(encoding="utf-8")
    return "\n".join(line for line in body.splitlines() if not line.startswith("--"))


def _expressions(file: str, **names: str) -> dict[str, str]:
    """Common table expressions of a file by name, in its order."""
    body = _lines(file).format(**names)
    starts = [*NAMED.finditer(body)]
    ends = [*(m.start() for m in starts[1:]), len(body)]
    return {
        m[1]: body[m.start() : end].strip().removesuffix(",")
        for m, end in zip(starts, ends, strict=True)
    }

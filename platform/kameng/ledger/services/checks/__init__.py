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

HEAD = re.compile(r"^-- check: (\w+) \| (.+) \| (whole|transfers|orders|attempts|seals)$", re.MULTILINE)
OF_ORDER = ("order_cost", "refund", "card", "payment_attempt")
OF_ATTEMPT = ("refund", "bonus_grant")


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
    body = f"SELECT * FROM (\n{sql.strip()}\n) found"
    whole = f"WITH {_world()}\n{body}"
    if scope == "whole":
        return CheckQuery(name, title, scope, whole, whole)
    parts = [_part("_touched.sql"), *_narrowed(scope), _world(scope)]
    return CheckQuery(name, title, scope, whole, f"WITH {', '.join(parts)}\n{body}")


def _world(scope: str = "") -> str:
    """Common expressions over the tables, or over what a scope leaves of them."""
    orders = "narrow" if scope in ("orders", "attempts") else "public.orders"
    seals = "WHERE at >= :since" if scope == "seals" else ""
    return _part("_world.sql").format(orders=orders, seals=seals)


def _narrowed(scope: str) -> list[str]:
    """Expressions that stand in front of the tables of the same names."""
    own = "public.orders o JOIN touched k ON k.station_id = o.station_id AND k.order_id = o.id"
    parts = [f"narrow AS NOT MATERIALIZED (SELECT o.* FROM {own})"]
    if scope == "seals":
        return []
    if scope == "transfers":
        return ["transfer AS NOT MATERIALIZED (SELECT * FROM public.transfer WHERE at >= :since)"]
    if scope == "orders":
        return parts + [_belonging(table, "order_id") for table in ("transfer", *OF_ORDER)] + [
            "settlement AS NOT MATERIALIZED (SELECT x.* FROM public.settlement x JOIN touched k "
            "ON k.station_id = x.order_station_id AND k.order_id = x.order_id)"
        ]  # fmt: skip
    attempt = (
        "payment_attempt AS NOT MATERIALIZED (SELECT x.* FROM public.payment_attempt x "
        "JOIN touched_attempt k ON k.station_id = x.station_id AND k.attempt_id = x.id)"
    )
    return [*parts, attempt, *(_belonging(t, "attempt_id") for t in ("transfer", *OF_ATTEMPT))]


def _belonging(table: str, key: str) -> str:
    touched = "touched" if key == "order_id" else "touched_attempt"
    return (
        f"{table} AS NOT MATERIALIZED (SELECT x.* FROM public.{table} x JOIN {touched} k "
        f"ON k.station_id = x.station_id AND k.{key} = x.{key})"
    )


@cache
def _part(name: str) -> str:
    body = resources.files(__package__).joinpath(name).read_text(encoding="utf-8")
    return "\n".join(line for line in body.splitlines() if not line.startswith("--"))

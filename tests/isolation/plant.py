"""A row in every table of a station, and a mark in every text of it that is not a word of ours.

Rows that the product has made stay as they are but for their texts; where it made none, the
catalogue says what a row must hold. So a new table or column is filled without a change here.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import psycopg
from psycopg import sql

from .catalogue import rows

Owner = psycopg.Connection[Any]
NOW = "now()"
# Words and numbers of ours, which decide what a row means or under which number it is found.
MEANING = {
    "account", "attempt_no", "channel", "code", "credit_kind", "credit_ref", "currency", "debit_kind",
    "debit_ref", "decision", "dialect", "event", "events", "format", "from_state", "grade", "host", "key_id",
    "kind", "level", "locale", "media_type", "method", "methods", "mode", "operation", "order_no", "outcome",
    "owner_login", "password_hash", "payee_kind", "permissions", "plugin_id", "proof_type", "purchase_no",
    "purpose", "queue", "ref", "refund_no", "risk", "rounding", "scopes", "slug", "stage", "state", "step",
    "theme", "to_state", "token", "topic", "txn", "withdrawal_no", "result", "sale_no", "message_no", "networks",
    "devices", "announced", "class", "actor", "role_code", "source",
}  # fmt: skip
# Objects whose members are read by name: a mark more would not be looked at, or break the page;
# and what goes into the queue as it is, where a mark shall show that a text has been put.
SHAPED = {
    ("outbox", "payload"),
    ("station", "theme_settings"), ("station_plugin", "config"), ("station_plugin", "secrets_meta"),
    ("station_plugin", "health"), ("withdrawal", "payee"),
}  # fmt: skip
# Of two columns one must be set, and a check says so.
EITHER = {"webhook_delivery": {"endpoint_id"}, "supply_dispute": {"purchase_id"}}


@dataclass(frozen=True)
class Column:
    """A column as the catalogue has it."""

    name: str
    type: str
    needed: bool  # NOT NULL without a default


@dataclass
class Planted:
    """What a station's rows hold: `mark` in every text, `public` in what its pages tell everybody."""

    station: int
    mark: str
    public: str
    fields: set[str] = field(default_factory=set)  # table.column
    refused: set[str] = field(default_factory=set)  # the database knows which words it takes


def tables_of_stations(owner: Owner) -> list[str]:
    """Every table with a station's column."""
    found = rows(
        owner,
        "SELECT c.relname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid "
        "WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r' "
        "AND a.attname = 'station_id' ORDER BY 1",
    )
    return [name for (name,) in found]


def fill(owner: Owner, station: int) -> list[str]:
    """A row in every table of the station that has none; names of those that stay empty."""
    left = [name for name in tables_of_stations(owner) if _count(owner, name, station) == 0]
    while True:
        failed = [name for name in left if not _fill_one(owner, name, station)]
        if len(failed) in (0, len(left)):
            return failed
        left = failed


def _count(owner: Owner, table: str, station: int) -> int:
    question = sql.SQL("SELECT count(*) FROM {} WHERE station_id = %s").format(
        sql.Identifier(table)
    )
    return int(owner.execute(question, (station,)).fetchone()[0])  # type: ignore[index]  # a count


def _fill_one(owner: Owner, table: str, station: int) -> bool:
    words = _words(owner, table)
    known = _parents(owner, table, station)
    if known is None:
        return False
    columns = [one for one in _columns(owner, table) if one.needed or one.name in known]
    choices = [
        [known[one.name]] if one.name in known else _values(one, station, words.get(one.name, []))
        for one in columns
    ]
    names = sql.SQL(", ").join(sql.Identifier(one.name) for one in columns)
    for values in itertools.islice(itertools.product(*choices), 40):
        places = sql.SQL(", ").join(map(sql.SQL, values))
        statement = sql.SQL("INSERT INTO {} ({}) OVERRIDING SYSTEM VALUE VALUES ({})").format(
            sql.Identifier(table), names, places
        )
        if _tried(owner, statement):
            return True
    return False


def _tried(owner: Owner, statement: sql.Composed) -> bool:
    try:
        with owner.transaction():
            owner.execute(statement)
    except psycopg.errors.IntegrityError:
        return False
    return True


def _columns(owner: Owner, table: str) -> list[Column]:
    found = owner.execute(
        "SELECT attname, format_type(atttypid, NULL), attnotnull AND NOT atthasdef "
        "AND attidentity = '' FROM pg_attribute WHERE attrelid = %s::regclass AND attnum > 0 "
        "AND NOT attisdropped ORDER BY attnum",
        (table,),
    ).fetchall()
    return [Column(*row) for row in found]


def _words(owner: Owner, table: str) -> dict[str, list[str]]:
    """Words that checks allow, by column."""
    found: dict[str, list[str]] = {}
    for (text,) in owner.execute(
        "SELECT pg_get_constraintdef(oid) FROM pg_constraint "
        "WHERE contype = 'c' AND conrelid = %s::regclass",
        (table,),
    ).fetchall():
        for name, words in re.findall(r"\((\w+) = ANY \(ARRAY\[(.*?)\]\)\)", text):
            found.setdefault(name, []).extend(re.findall(r"'([^']*)'", words))
    return found


def _parents(owner: Owner, table: str, station: int) -> dict[str, str] | None:
    """Values of the foreign keys that a row must have; None while a parent has no row."""
    needed = {one.name for one in _columns(owner, table) if one.needed}
    needed |= EITHER.get(table, set())
    values = {"station_id": str(station)}
    for parent, mine, theirs in owner.execute(
        "SELECT k.confrelid::regclass::text,"
        " (SELECT array_agg(a.attname::text ORDER BY o) FROM unnest(k.conkey) WITH ORDINALITY u(n, o)"
        "  JOIN pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = n),"
        " (SELECT array_agg(a.attname::text ORDER BY o) FROM unnest(k.confkey) WITH ORDINALITY u(n, o)"
        "  JOIN pg_attribute a ON a.attrelid = k.confrelid AND a.attnum = n)"
        " FROM pg_constraint k WHERE k.contype = 'f' AND k.conrelid = %s::regclass",
        (table,),
    ).fetchall():
        own = set(mine) - {"station_id", "supplier_id"}
        if parent == "station" or (own and not own & needed):
            continue
        row = owner.execute(_parent_row(parent, theirs, station)).fetchone()
        if row is None:
            return None
        values |= {name: f"'{value}'" for name, value in zip(mine, row, strict=True)}
    return values


def _parent_row(parent: str, columns: list[str], station: int) -> sql.Composed:
    own = (
        sql.SQL("WHERE station_id = {}").format(station) if "station_id" in columns else sql.SQL("")
    )
    names = sql.SQL(", ").join(map(sql.Identifier, columns))
    return sql.SQL("SELECT {} FROM {} {} ORDER BY 1 DESC LIMIT 1").format(
        names, sql.Identifier(parent), own
    )


def _values(column: Column, station: int, words: list[str]) -> list[str]:
    """Literals to try for a column."""
    if words:
        return [f"'{word}'" for word in words]
    kind = column.type
    if kind in ("bigint", "integer", "smallint", "numeric"):
        return [str(9_000 + 100 * station)]  # sums are whole fen
    if kind == "text":
        return [f"'filled-{station}'"]
    if kind == "text[]":
        return [f"ARRAY['filled-{station}']"]
    if kind == "jsonb":
        return [f"""'{{"filled": "{station}"}}'""", "'[]'"]
    if kind == "bytea":
        return [f"'filled-{station}'"]
    simple = {"boolean": "true", "date": "current_date", "character": "'CNY'", "bigint[]": "'{1}'"}
    return [simple.get(kind, NOW)]


def mark(owner: Owner, station: int) -> Planted:
    """Write the station's mark into every text of its rows that may hold one."""
    planted = Planted(station, f"zq{station}canary", f"zq{station}public")
    for table, key in (("station", "id"), *((t, "station_id") for t in tables_of_stations(owner))):
        for column in _columns(owner, table):
            statement = _marking(table, key, column, planted)
            if statement is None:
                continue
            name = f"{table}.{column.name}"
            (planted.fields if _written(owner, statement) else planted.refused).add(name)
    return planted


def _written(owner: Owner, statement: sql.Composed) -> bool:
    try:
        with owner.transaction():
            owner.execute("SET LOCAL session_replication_role = replica")  # appended rows, too
            return owner.execute(statement).rowcount > 0
    except psycopg.errors.IntegrityError:
        return False


def _marking(table: str, key: str, column: Column, planted: Planted) -> sql.Composed | None:
    if column.name in MEANING or (table, column.name) in SHAPED:
        return None
    text = f"{planted.public if table == 'station' else planted.mark}-{table}-{column.name}"
    ways = {
        "text": "{value} || '-' || translate(ctid::text, '(,)', 'x-')",
        "text[]": "ARRAY[{value}]",
        "jsonb": "CASE jsonb_typeof({column}) WHEN 'object' THEN {column} || jsonb_build_object("
        "'canary', {value}) ELSE {column} END",
    }
    if column.type not in ways:
        return None
    return sql.SQL(
        "UPDATE {table} SET {column} = " + ways[column.type] + " WHERE {key} = {station}"
    ).format(
        table=sql.Identifier(table), column=sql.Identifier(column.name), key=sql.Identifier(key),
        value=sql.Literal(text), station=planted.station,
    )  # fmt: skip


def fingerprints(owner: Owner, station: int) -> dict[str, set[str]]:
    """A fingerprint of every row of a station, by table."""
    found = {}
    for table in ("station", *tables_of_stations(owner)):
        statement = sql.SQL("SELECT md5(t::text) FROM {} t WHERE {} = {}").format(
            sql.Identifier(table),
            sql.Identifier("id" if table == "station" else "station_id"), station,
        )  # fmt: skip
        found[table] = {one for (one,) in owner.execute(statement).fetchall()}
    return found


def rows_with(owner: Owner, text: str, station: int) -> Iterator[str]:
    """Tables in which other stations than this one have rows that hold the text."""
    for table in tables_of_stations(owner):
        statement = sql.SQL(
            "SELECT count(*) FROM {} t WHERE station_id IS DISTINCT FROM {} AND t::text LIKE {}"
        ).format(sql.Identifier(table), station, sql.Literal(f"%{text}%"))
        if owner.execute(statement).fetchone() != (0,):
            yield table

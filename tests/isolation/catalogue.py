"""What PostgreSQL's catalogue has to say of the walls; each fault found is named in one line."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

import psycopg

from kameng.db.migrate import function_files

Owner = psycopg.Connection[Any]
Check = Callable[[Owner], Iterator[str]]

LOGINS = ("kameng_app", "kameng_main", "kameng_supplier", "kameng_readonly")
ROLES = (*LOGINS, "kameng_guard")
# Global tables: the range of the main station and the machinery. No row belongs to one station.
GLOBAL = {
    "alembic_version", "applied_functions", "card_batch", "category", "cost_change", "data_key",
    "job_slot", "outbox_done", "product", "product_tag", "purchase_field", "sku", "sku_cost", "tag",
    "backup_run", "backup_status", "recovery",
    "account_rollup", "ledger_seal", "supply_level", "supply_policy", "score_rule", "score_terms",
    "season", "purchase_plan", "purchase_plan_line", "plugin_release",
}  # fmt: skip
# A supplier's rows: behind a wall of their own, and no station's.
SUPPLIERS = {
    "supplier", "supplier_user", "supplier_key", "supplier_document", "supplier_contract",
    "contract_cost", "supply_connection", "supply_offer", "supply_offer_change", "supply_notice",
    "supplier_payment", "supplier_statement", "supply_dispute", "supply_dispute_message",
    "supplier_score",
}  # fmt: skip
# Rows that belong to no station for a while, or for good.
NO_STATION_YET = {
    "card": "nobody's until it is sold; role app sees sold ones alone",
    "supply_dispute": "may be about a statement, which runs over all stations",
    "purchase_plan_line": "a plan may leave the supplier open; nobody but the main station sees plans",
}
# Unique keys without the station: numbers of ours that name no customer, so no oracle.
KEYS_OF_OURS = {
    "account_pkey", "account_balance_pkey", "card_bought", "card_pkey", "card_sku_id_digest_key",
    "host_pkey", "job_run_pkey", "outbox_pkey", "purchase_number",
    "station_plugin_token_key", "supply_dispute_pkey", "transfer_pkey", "transfer_txn_leg_key",
}  # fmt: skip
# Foreign keys between two stations' tables without the station, and why.
KEYS_ACROSS = {
    "account_balance_account_id_fkey": "written by guard's functions alone",
    "supply_dispute_station_id_purchase_id_fkey": "names the supplier of its purchase; opened by the main station",
}


def own(column: str, of: str) -> str:
    """How PostgreSQL spells a policy's condition: the column is that of the scope."""
    return (
        f"({column} = ( SELECT (NULLIF(current_setting('app.{of}_id'::text, true), ''::text))"
        '::bigint AS "nullif"))'
    )


STATION, SUPPLIER = own("station_id", "station"), own("supplier_id", "supplier")
# name -> (command, role, USING, WITH CHECK)
Policy = tuple[str, str, str | None, str | None]
COMMON: dict[str, Policy] = {
    "main_all": ("ALL", "kameng_main", "true", "true"),
    "guard_all": ("ALL", "kameng_guard", "true", "true"),
    "readonly_all": ("SELECT", "kameng_readonly", "true", None),
}
# Rules of their rows stand in a policy that narrows the others (ADR 0020).
SOUND = {"orders", "payment_attempt", "card", "settlement"}
NARROWER: Policy = ("ALL", "public", "true", "rules")  # which ones is no matter of the walls
# What does not read as usual: narrower ones, tables that are their own key, and two open ones.
SPECIAL: dict[str, dict[str, Policy]] = {
    "station": {
        "station_own": ("ALL", "kameng_app", own("id", "station"), own("id", "station")),
    },
    "supplier": {
        "supplier_own": ("ALL", "kameng_supplier", own("id", "supplier"), own("id", "supplier")),
    },
    # Which station answers under a name is public, and asked before any scope is known.
    "host": {"station_own": ("SELECT", "kameng_app", "true", None)},
    "card": {"station_own": ("SELECT", "kameng_app", f"((status = 2) AND {STATION})", None)},
    "order_event": {
        "station_own": ("ALL", "kameng_app", f"({STATION} AND (from_state <> to_state))", STATION),
    },
    "payment_attempt": {
        "station_own": (
            "ALL", "kameng_app", STATION, f"({STATION} AND (state <> 'succeeded'::text))",
        ),
    },
    # A supplier reads the purchases placed with it.
    "purchase": {
        "station_own": ("ALL", "kameng_app", STATION, STATION),
        "supplier_own": ("SELECT", "kameng_supplier", SUPPLIER, None),
    },
}  # fmt: skip


def wanted_policies(table: str) -> dict[str, Policy]:
    """The policies of a table behind a wall, to the letter."""
    found = COMMON | ({"sound": NARROWER} if table in SOUND else {})
    if table in SPECIAL:
        return found | SPECIAL[table]
    if table in SUPPLIERS:
        return found | {"supplier_own": ("ALL", "kameng_supplier", SUPPLIER, SUPPLIER)}
    return found | {"station_own": ("ALL", "kameng_app", STATION, STATION)}


def faults(owner: Owner) -> list[str]:
    """Everything the catalogue says that it should not; empty when the walls stand."""
    return [fault for check in CHECKS for fault in check(owner)]


def rows(owner: Owner, sql: str) -> list[Any]:
    """What a question to the catalogue gives."""
    return owner.execute(sql.encode()).fetchall()


def walled(owner: Owner) -> dict[str, tuple[bool, bool]]:
    """Tables that must stand behind a wall: (row level security, forced)."""
    found = rows(
        owner,
        "SELECT relname, relrowsecurity, relforcerowsecurity FROM pg_class "
        "WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p') ORDER BY 1",
    )
    return {name: (enabled, forced) for name, enabled, forced in found if name not in GLOBAL}


def tables(owner: Owner) -> Iterator[str]:
    """Row level security is on and holds for the owner, too; nothing lies beside the schema."""
    for name, (enabled, forced) in walled(owner).items():
        if not (enabled and forced):
            yield f"{name} is not behind forced row level security"
    for name, column in rows(
        owner,
        "SELECT c.relname, a.attname FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid "
        "WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') "
        "AND a.attname IN ('station_id', 'supplier_id') AND NOT a.attnotnull ORDER BY 1, 2",
    ):
        if name not in NO_STATION_YET:
            yield f"{name}.{column} may be NULL"
    for name in _with_station(owner) & GLOBAL:
        yield f"{name} is called global but has a station"
    for schema, name in rows(
        owner,
        "SELECT n.nspname, c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "
        "WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND n.nspname NOT IN "
        "('public', 'pg_catalog', 'information_schema') AND n.nspname NOT LIKE 'pg\\_t%'",
    ):
        yield f"{schema}.{name} lies outside schema public"


def policies(owner: Owner) -> Iterator[str]:
    """Exactly those that are wanted: policies are ORed, so one more is a hole."""
    found: dict[str, dict[str, Policy]] = {name: {} for name in walled(owner)}
    for table, name, kind, roles, command, using, check in rows(
        owner,
        "SELECT tablename, policyname, permissive, roles::text[], cmd, qual, with_check "
        "FROM pg_policies WHERE schemaname = 'public' ORDER BY 1, 2",
    ):
        if table in GLOBAL:
            yield f"{table} is called global but has policy {name}"
        else:
            demands = "rules" if name == "sound" and check not in (None, "true") else check
            found[table][name] = (command, "+".join(sorted(roles)), using, demands)
            if (kind == "RESTRICTIVE") != (name == "sound"):
                yield f"policy {name} on {table} is {kind}"
    for table, here in found.items():
        wanted = wanted_policies(table)
        yield from (f"{table} lacks policy {name}" for name in sorted(wanted.keys() - here.keys()))
        yield from (
            f"{table} has policy {name} more" for name in sorted(here.keys() - wanted.keys())
        )
        for name in sorted(wanted.keys() & here.keys()):
            if here[name] != wanted[name]:
                yield f"policy {name} on {table} is not the one agreed on"


def keys(owner: Owner) -> Iterator[str]:
    """The station stands in every key: else a key says what another station has."""
    for table, name in loose_keys(owner):
        if name not in KEYS_OF_OURS:
            yield f"unique key {name} of {table} leaves the station out"
    for which in ("station", "supplier"):
        for table, name in loose_references(owner, which):
            if name not in KEYS_ACROSS:
                yield f"foreign key {name} of {table} may point at another {which}'s row"


def loose_keys(owner: Owner) -> list[Any]:
    """Unique keys of stations' tables that do not hold the station."""
    return rows(
        owner,
        "SELECT x.indrelid::regclass::text, x.indexrelid::regclass::text FROM pg_index x "
        "JOIN pg_class c ON c.oid = x.indrelid JOIN pg_attribute a ON a.attrelid = c.oid "
        "AND a.attname = 'station_id' WHERE c.relnamespace = 'public'::regnamespace "
        "AND x.indisunique AND NOT (a.attnum = ANY (x.indkey)) ORDER BY 1, 2",
    )


def loose_references(owner: Owner, which: str) -> list[Any]:
    """Foreign keys between tables of stations (or suppliers) that do not hold the station."""
    column = f"{which}_id"
    return rows(
        owner,
        "SELECT k.conrelid::regclass::text, k.conname FROM pg_constraint k "
        f"JOIN pg_attribute h ON h.attrelid = k.conrelid AND h.attname = '{column}' "
        f"JOIN pg_attribute t ON t.attrelid = k.confrelid AND t.attname = '{column}' "
        f"WHERE k.contype = 'f' AND k.confrelid <> '{which}'::regclass AND NOT EXISTS ("
        "SELECT 1 FROM unnest(k.conkey, k.confkey) AS pair(mine, theirs) "
        "WHERE pair.mine = h.attnum AND pair.theirs = t.attnum) ORDER BY 1, 2",
    )


def views(owner: Owner) -> Iterator[str]:
    """A view asks as who asks it; what is stored elsewhere knows no policies."""
    for name, kind, options in rows(
        owner,
        "SELECT relname, relkind::text, coalesce(reloptions, '{}') FROM pg_class "
        "WHERE relnamespace = 'public'::regnamespace AND relkind IN ('v', 'm', 'f')",
    ):
        if kind == "v" and "security_invoker=true" not in options:
            yield f"view {name} asks as its owner"
        elif kind != "v":
            yield f"{name} is a materialized view or a foreign table"


def functions(owner: Owner) -> Iterator[str]:
    """Each is in a file, guard's, with a search path, for the roles its file names and no other."""
    granted = _grants_of_files()
    for name, guards, definer, path, able in rows(
        owner,
        "SELECT p.proname, p.proowner = 'kameng_guard'::regrole, p.prosecdef, "
        "coalesce(p.proconfig::text LIKE '%search_path=%', false), "
        "ARRAY(SELECT r FROM unnest(ARRAY['public', 'kameng_app', 'kameng_main', "
        "'kameng_supplier', 'kameng_readonly']) r WHERE has_function_privilege(r, p.oid, 'EXECUTE')) "
        "FROM pg_proc p WHERE p.pronamespace = 'public'::regnamespace ORDER BY 1",
    ):
        if name not in granted:
            yield f"function {name} is in no file"
        if not guards:
            yield f"function {name} is not guard's"
        if definer and not path:
            yield f"function {name} takes the search path of who calls it"
        if set(able) != granted.get(name, set()):
            yield f"function {name} may be run by {', '.join(able) or 'nobody'}"


def _grants_of_files() -> dict[str, set[str]]:
    pattern = re.compile(r"-- grant: ([a-z_, ]+)\nCREATE OR REPLACE FUNCTION ([a-z_]+)\(")
    found = {}
    for _file, body in function_files():
        for roles, name in pattern.findall(body):
            words = {word.strip() for word in roles.split(",")} - {"nobody"}
            found[name] = {f"kameng_{word}" for word in words}
    return found


def roles(owner: Owner) -> Iterator[str]:
    """No power that goes round a policy, neither held nor borrowed from another role."""
    for name, powers in rows(
        owner,
        "SELECT rolname, concat_ws(' ', CASE WHEN rolsuper THEN 'SUPERUSER' END, "
        "CASE WHEN rolbypassrls THEN 'BYPASSRLS' END, CASE WHEN rolcreaterole THEN 'CREATEROLE' "
        "END, CASE WHEN rolcreatedb THEN 'CREATEDB' END, CASE WHEN rolreplication THEN "
        "'REPLICATION' END) FROM pg_roles WHERE rolname LIKE 'kameng\\_%'",
    ):
        if powers:
            yield f"role {name} has {powers}"
    for name, other in rows(
        owner,
        "SELECT member::regrole::text, roleid::regrole::text FROM pg_auth_members "
        "WHERE member::regrole::text LIKE 'kameng\\_%'",
    ):
        yield f"role {name} is a member of {other}"
    for name, thing in rows(
        owner,
        "SELECT r.rolname, pg_describe_object(d.classid, d.objid, 0) FROM pg_shdepend d "
        "JOIN pg_roles r ON r.oid = d.refobjid WHERE d.refclassid = 'pg_authid'::regclass "
        "AND d.deptype = 'o' AND d.dbid = (SELECT oid FROM pg_database WHERE datname = "
        "current_database()) AND r.rolname LIKE 'kameng\\_%'",
    ):
        if not (name == "kameng_guard" and thing.startswith("function ")):
            yield f"role {name} owns {thing}"


def rights(owner: Owner) -> Iterator[str]:
    """Nobody may empty, watch or refer to a table; the public may nothing at all."""
    for role, right, table in rows(
        owner,
        "SELECT r, p, c.relname FROM pg_class c, unnest(ARRAY['kameng_app', 'kameng_main', "
        "'kameng_supplier', 'kameng_readonly', 'kameng_guard']) r, unnest(ARRAY['TRUNCATE', "
        "'REFERENCES', 'TRIGGER']) p WHERE c.relnamespace = 'public'::regnamespace "
        "AND c.relkind IN ('r', 'p', 'v') AND has_table_privilege(r, c.oid, p)",
    ):
        yield f"{role} may {right} on {table}"
    for name in rows(
        owner,
        "SELECT DISTINCT table_name FROM information_schema.table_privileges "
        "WHERE table_schema = 'public' AND grantee = 'PUBLIC'",
    ):
        yield f"everybody has a right on {name[0]}"
    for role in ROLES:
        (made,) = rows(owner, f"SELECT has_schema_privilege('{role}', 'public', 'CREATE')")[0]
        if made:
            yield f"{role} may create in schema public"
    for table, right in rows(
        owner,
        "SELECT table_name, privilege_type FROM information_schema.table_privileges "
        "WHERE table_schema = 'public' AND grantee = 'kameng_readonly' "
        "AND privilege_type <> 'SELECT'",
    ):
        yield f"kameng_readonly may {right} on {table}"


def _with_station(owner: Owner) -> set[str]:
    found = rows(
        owner,
        "SELECT table_name FROM information_schema.columns "
        "WHERE table_schema = 'public' AND column_name = 'station_id'",
    )
    return {name for (name,) in found}


CHECKS: tuple[Check, ...] = (tables, policies, keys, views, functions, roles, rights)

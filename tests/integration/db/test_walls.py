"""T12: the database is the wall. What each role may do, told by the catalogue."""

from typing import Any

import psycopg
import pytest

PUBLIC = "n.nspname = 'public'"
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
COMMON = {"main_all", "guard_all", "readonly_all"}
# Rules of their rows stand in a policy (ADR 0020).
SOUND = {"orders", "payment_attempt", "card", "settlement"}
# Functions that a role may run. Whatever else is SECURITY DEFINER belongs to nobody.
LEDGER = ("account", "account_balance", "transfer", "account_rollup")


def rows(owner: psycopg.Connection[Any], sql: str) -> list[Any]:
    return owner.execute(sql.encode()).fetchall()


def faults(owner: psycopg.Connection[Any]) -> list[str]:
    """Everything the catalogue says that it should not; empty when the walls stand."""
    found = []
    tenant = {
        r[0]: (r[1], r[2])
        for r in rows(
            owner,
            "SELECT c.relname, c.relrowsecurity, c.relforcerowsecurity FROM pg_class c "
            f"JOIN pg_namespace n ON n.oid = c.relnamespace WHERE {PUBLIC} AND c.relkind IN ('r','p')",
        )
        if r[0] not in GLOBAL
    }
    policies: dict[str, set[str]] = {}
    for table, name, roles, using, check, command in rows(
        owner,
        "SELECT tablename, policyname, roles::text[], qual, with_check, cmd FROM pg_policies "
        "WHERE schemaname = 'public'",
    ):
        policies.setdefault(table, set()).add(name)
        if "kameng_app" in roles and table != "host" and "app.station_id" not in (using or ""):
            found.append(f"policy {name} on {table} lets app see all")
        if "kameng_app" in roles and command == "ALL" and "app.station_id" not in (check or ""):
            found.append(f"policy {name} on {table} lets app write anywhere")
        if "kameng_supplier" in roles and "app.supplier_id" not in (using or ""):
            found.append(f"policy {name} on {table} lets suppliers see all")
        if "kameng_supplier" in roles and command == "ALL" and "supplier_id" not in (check or ""):
            found.append(f"policy {name} on {table} lets suppliers write anywhere")
    for table, (enabled, forced) in tenant.items():
        if not (enabled and forced):
            found.append(f"{table} is not behind forced row level security")
        wanted = COMMON | ({"supplier_own"} if table in SUPPLIERS else {"station_own"})
        if table == "purchase":
            wanted = wanted | {"supplier_own"}  # a supplier reads the purchases placed with it
        wanted = wanted | ({"sound"} if table in SOUND else set())
        missing = wanted - policies.get(table, set())
        found += [f"{table} lacks policy {name}" for name in sorted(missing)]
    return found


def test_T12_every_tenant_table_is_behind_a_forced_wall(owner: psycopg.Connection[Any]) -> None:
    assert faults(owner) == []


def test_T12_dropping_any_one_policy_is_noticed(owner: psycopg.Connection[Any]) -> None:
    for table, name in rows(
        owner, "SELECT tablename, policyname FROM pg_policies WHERE schemaname = 'public'"
    ):
        with owner.transaction(force_rollback=True):
            owner.execute(f'DROP POLICY "{name}" ON "{table}"'.encode())
            assert faults(owner) == [f"{table} lacks policy {name}"]


def test_T12_switching_a_wall_off_is_noticed(owner: psycopg.Connection[Any]) -> None:
    for change in ("DISABLE ROW LEVEL SECURITY", "NO FORCE ROW LEVEL SECURITY"):
        with owner.transaction(force_rollback=True):
            owner.execute(f"ALTER TABLE orders {change}".encode())
            assert faults(owner) == ["orders is not behind forced row level security"]


def test_T12_station_id_stands_in_every_key_of_a_tenant_table(
    owner: psycopg.Connection[Any],
) -> None:
    # Keys that are random numbers of ours or name no customer are no oracle across stations.
    allowed = {
        "host", "station", "account", "account_balance", "card", "transfer", "outbox", "job_run",
        "station_plugin", "payment_attempt", "purchase", "supply_dispute",
    }  # fmt: skip
    loose = rows(
        owner,
        "SELECT c.relname, i.relname FROM pg_index x JOIN pg_class c ON c.oid = x.indrelid "
        "JOIN pg_class i ON i.oid = x.indexrelid JOIN pg_namespace n ON n.oid = c.relnamespace "
        f"WHERE {PUBLIC} AND x.indisunique AND EXISTS (SELECT 1 FROM pg_attribute a WHERE "
        "a.attrelid = c.oid AND a.attname = 'station_id') AND NOT EXISTS (SELECT 1 FROM pg_attribute a "
        "WHERE a.attrelid = c.oid AND a.attname = 'station_id' AND a.attnum = ANY(x.indkey))",
    )
    assert [r for r in loose if r[0] not in allowed] == []


def test_no_role_but_owner_and_guard_writes_the_ledger(owner: psycopg.Connection[Any]) -> None:
    for role in ("kameng_app", "kameng_main", "kameng_supplier", "kameng_readonly"):
        for table in (*LEDGER, "orders", "order_event", "order_cost", "card", "supplier_payment"):
            for right in ("INSERT", "UPDATE", "DELETE", "TRUNCATE"):
                held = rows(owner, f"SELECT has_table_privilege('{role}', '{table}', '{right}')")
                assert held == [(False,)], f"{role} may {right} {table}"


def test_roles_are_no_superusers_bypass_nothing_and_own_nothing(
    owner: psycopg.Connection[Any],
) -> None:
    risky = rows(
        owner,
        "SELECT rolname FROM pg_roles WHERE rolname LIKE 'kameng\\_%' AND "
        "(rolsuper OR rolbypassrls OR rolcreatedb OR rolcreaterole)",
    )
    assert risky == []
    owned = rows(
        owner,
        "SELECT relname FROM pg_class c JOIN pg_roles r ON r.oid = c.relowner "
        "WHERE r.rolname LIKE 'kameng\\_%'",
    )
    assert owned == []
    truncate = rows(
        owner,
        "SELECT grantee, table_name FROM information_schema.table_privileges "
        "WHERE privilege_type = 'TRUNCATE' AND grantee LIKE 'kameng\\_%'",
    )
    assert truncate == []


def test_definer_functions_belong_to_guard_and_public_runs_none(
    owner: psycopg.Connection[Any],
) -> None:
    loose = rows(
        owner,
        "SELECT p.proname FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace "
        f"JOIN pg_roles r ON r.oid = p.proowner WHERE {PUBLIC} AND p.prosecdef AND "
        "(r.rolname <> 'kameng_guard' OR has_function_privilege('public', p.oid, 'EXECUTE') "
        "OR NOT coalesce(p.proconfig::text LIKE '%search_path%', false))",
    )
    assert loose == []
    internal = rows(
        owner,
        "SELECT p.proname FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace "
        f"WHERE {PUBLIC} AND p.proname LIKE '\\_%' AND (has_function_privilege('kameng_app', p.oid, "
        "'EXECUTE') OR has_function_privilege('kameng_main', p.oid, 'EXECUTE'))",
    )
    assert internal == []


def test_there_is_no_view_that_could_leak(owner: psycopg.Connection[Any]) -> None:
    views = rows(
        owner,
        f"SELECT relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "
        f"WHERE {PUBLIC} AND relkind IN ('v', 'm')",
    )
    assert views == []


@pytest.mark.parametrize("role", ["kameng_app", "kameng_readonly"])
def test_upstream_cost_is_out_of_a_stations_reach(
    owner: psycopg.Connection[Any], role: str
) -> None:
    for table in (
        "sku_cost", "cost_change", "price_chain", "order_cost", "station_plugin", "supply_policy",
        "contract_cost", "purchase",
    ):  # fmt: skip
        assert rows(owner, f"SELECT has_table_privilege('{role}', '{table}', 'SELECT')") == [
            (False,)
        ]

"""T12: the database is the wall. What each role may do, told by the catalogue."""

from typing import Any

import psycopg
import pytest

from .catalogue import (
    COMMON,
    GLOBAL,
    KEYS_ACROSS,
    KEYS_OF_OURS,
    faults,
    loose_keys,
    loose_references,
    policies,
    rows,
    tables,
    walled,
)

LEDGER = ("account", "account_balance", "transfer", "account_rollup")
WALL = "CREATE TABLE hut (station_id bigint NOT NULL, id bigint, PRIMARY KEY (station_id, id));"
DEFINER = "LANGUAGE sql SECURITY DEFINER SET search_path = public AS 'SELECT 1'"


def test_T12_the_walls_stand(owner: psycopg.Connection[Any]) -> None:
    assert faults(owner) == []
    assert {name for (name,) in rows(owner, "SELECT relname FROM pg_class")} >= GLOBAL
    assert len(walled(owner)) > 60


def test_T12_no_exception_outlives_its_reason(owner: psycopg.Connection[Any]) -> None:
    assert {name for _table, name in loose_keys(owner)} == KEYS_OF_OURS
    found = {
        name for which in ("station", "supplier") for _t, name in loose_references(owner, which)
    }
    assert found == set(KEYS_ACROSS)


def test_T12_dropping_any_one_policy_is_noticed(owner: psycopg.Connection[Any]) -> None:
    found = rows(owner, "SELECT tablename, policyname FROM pg_policies ORDER BY 1, 2")
    assert len(found) > len(COMMON) * len(walled(owner))
    for table, name in found:
        with owner.transaction(force_rollback=True):
            owner.execute(f'DROP POLICY "{name}" ON "{table}"'.encode())
            assert list(policies(owner)) == [f"{table} lacks policy {name}"]


def test_T12_opening_any_one_policy_is_noticed(owner: psycopg.Connection[Any]) -> None:
    """Of stations and suppliers, the one that is open already (host) apart."""
    found = rows(
        owner,
        "SELECT tablename, policyname FROM pg_policies WHERE policyname LIKE '%_own' "
        "AND qual <> 'true' ORDER BY 1, 2",
    )
    for table, name in found:
        with owner.transaction(force_rollback=True):
            owner.execute(f'ALTER POLICY "{name}" ON "{table}" USING (true)'.encode())
            assert list(policies(owner)) == [f"policy {name} on {table} is not the one agreed on"]


def test_T12_switching_any_wall_off_is_noticed(owner: psycopg.Connection[Any]) -> None:
    for table in walled(owner):
        for change in ("DISABLE ROW LEVEL SECURITY", "NO FORCE ROW LEVEL SECURITY"):
            with owner.transaction(force_rollback=True):
                owner.execute(f'ALTER TABLE "{table}" {change}'.encode())
                assert list(tables(owner)) == [f"{table} is not behind forced row level security"]


# What somebody might do one day, and what is said of it at least.
PLANTED = {
    "a table without a wall": (WALL, "hut is not behind forced row level security"),
    "a table without policies": (WALL, "hut lacks policy station_own"),
    "a table elsewhere": (
        "CREATE SCHEMA annex; CREATE TABLE annex.hut (x int)", "annex.hut lies outside schema public",
    ),
    "a row of no station": (
        "ALTER TABLE listing DROP CONSTRAINT listing_pkey CASCADE;"
        "ALTER TABLE listing ALTER station_id DROP NOT NULL", "listing.station_id may be NULL",
    ),
    "a station in a global table": (
        "ALTER TABLE sku ADD station_id bigint NOT NULL DEFAULT 1",
        "sku is called global but has a station",
    ),
    "a policy beside the wall": (
        "CREATE POLICY extra ON orders FOR SELECT TO kameng_app USING (channel = 'web')",
        "orders has policy extra more",
    ),
    "a policy for everybody": (
        "CREATE POLICY extra ON orders USING (true)", "orders has policy extra more",
    ),
    "a policy for one role more": (
        "ALTER POLICY readonly_all ON orders TO kameng_readonly, kameng_app",
        "policy readonly_all on orders is not the one agreed on",
    ),
    "writing anywhere": (
        "ALTER POLICY station_own ON orders WITH CHECK (true)",
        "policy station_own on orders is not the one agreed on",
    ),
    "rows without rules": (
        "ALTER POLICY sound ON orders WITH CHECK (true)",
        "policy sound on orders is not the one agreed on",
    ),
    "rules that open a wall": (
        "DROP POLICY sound ON orders; CREATE POLICY sound ON orders WITH CHECK (total > 0)",
        "policy sound on orders is PERMISSIVE",
    ),
    "a login that is taken everywhere": (
        "CREATE UNIQUE INDEX one_login ON member(login)",
        "unique key one_login of member leaves the station out",
    ),
    "a reference to another station's row": (
        "ALTER TABLE member ADD UNIQUE (id);"
        "ALTER TABLE api_key ADD CONSTRAINT far FOREIGN KEY (member_id) REFERENCES member(id)",
        "foreign key far of api_key may point at another station's row",
    ),
    "a reference to another supplier's row": (
        "ALTER TABLE supply_offer ADD CONSTRAINT far FOREIGN KEY (connection_id) "
        "REFERENCES supply_connection(id)",
        "foreign key far of supply_offer may point at another supplier's row",
    ),
    "a view": ("CREATE VIEW peep AS SELECT * FROM orders", "view peep asks as its owner"),
    "a materialized view": (
        "CREATE MATERIALIZED VIEW peep AS SELECT * FROM orders",
        "peep is a materialized view or a foreign table",
    ),
    "a function of the owner": (
        f"CREATE FUNCTION peep() RETURNS int {DEFINER}", "function peep is not guard's",
    ),
    "a function of no file": (
        f"CREATE FUNCTION peep() RETURNS int {DEFINER}", "function peep is in no file",
    ),
    "a function for everybody": (
        "GRANT EXECUTE ON FUNCTION _account TO PUBLIC",
        "function _account may be run by public, kameng_app, kameng_main, kameng_supplier, "
        "kameng_readonly",
    ),
    "a function for one role more": (
        "GRANT EXECUTE ON FUNCTION apply_payment TO kameng_app",
        "function apply_payment may be run by kameng_app, kameng_main",
    ),
    "a function with a borrowed search path": (
        "ALTER FUNCTION place_order RESET ALL",
        "function place_order takes the search path of who calls it",
    ),
    "a role past all walls": ("ALTER ROLE kameng_app BYPASSRLS", "role kameng_app has BYPASSRLS"),
    "a role above all": (
        "ALTER ROLE kameng_supplier SUPERUSER", "role kameng_supplier has SUPERUSER",
    ),
    "a role that makes roles": (
        "ALTER ROLE kameng_readonly CREATEROLE", "role kameng_readonly has CREATEROLE",
    ),
    "a borrowed role": (
        "GRANT kameng_main TO kameng_app", "role kameng_app is a member of kameng_main",
    ),
    "a table of its own": (
        "GRANT CREATE ON SCHEMA public TO kameng_app; ALTER TABLE tag OWNER TO kameng_app",
        "role kameng_app owns table tag",
    ),
    "making tables": (
        "GRANT CREATE ON SCHEMA public TO kameng_app", "kameng_app may create in schema public",
    ),
    "emptying": ("GRANT TRUNCATE ON orders TO kameng_app", "kameng_app may TRUNCATE on orders"),
    "referring": (
        "GRANT REFERENCES ON orders TO kameng_supplier", "kameng_supplier may REFERENCES on orders",
    ),
    "watching": ("GRANT TRIGGER ON orders TO kameng_app", "kameng_app may TRIGGER on orders"),
    "a right for everybody": ("GRANT SELECT ON tag TO PUBLIC", "everybody has a right on tag"),
    "a reader that writes": (
        "GRANT UPDATE ON tag TO kameng_readonly", "kameng_readonly may UPDATE on tag",
    ),
}  # fmt: skip


@pytest.mark.parametrize("defect", PLANTED)
def test_T12_a_planted_defect_is_named(owner: psycopg.Connection[Any], defect: str) -> None:
    planted, named = PLANTED[defect]
    with owner.transaction(force_rollback=True):
        owner.execute(planted.encode())
        assert named in faults(owner)


def test_T12_a_view_that_asks_as_its_reader_is_no_fault(owner: psycopg.Connection[Any]) -> None:
    with owner.transaction(force_rollback=True):
        owner.execute("CREATE VIEW pane WITH (security_invoker=true) AS SELECT * FROM orders")
        assert faults(owner) == []


def test_no_role_but_owner_and_guard_writes_the_ledger(owner: psycopg.Connection[Any]) -> None:
    for role in ("kameng_app", "kameng_main", "kameng_supplier", "kameng_readonly"):
        for table in (*LEDGER, "orders", "order_event", "order_cost", "card", "supplier_payment"):
            for right in ("INSERT", "UPDATE", "DELETE", "TRUNCATE"):
                held = rows(owner, f"SELECT has_table_privilege('{role}', '{table}', '{right}')")
                assert held == [(False,)], f"{role} may {right} {table}"


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

"""The door of every guarded function: it works for the station of the transaction, and for no other."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest

# The main role alone may run these; they name the station with every row, and without one they find none.
WITHOUT_DOOR = {
    "decline_purchase", "end_short", "fail_order", "let_order_go_on", "note_order", "note_purchase", "open_purchase",
    "order_waits",
    "receive_purchase", "refuse_held", "release_held", "settle_refund", "take_purchase",
}  # fmt: skip
FUNCTIONS = """SELECT p.oid::regproc::text, array_position(p.proargnames, 'p_station'),
    array(SELECT r FROM unnest(ARRAY['kameng_app', 'kameng_main']) r WHERE has_function_privilege(r, p.oid, 'EXECUTE')), array(SELECT format_type(t, NULL) FROM unnest(p.proargtypes::oid[]) t)
  FROM pg_proc p WHERE pronamespace = 'public'::regnamespace AND proowner = 'kameng_guard'::regrole AND 'p_station' = ANY (proargnames) ORDER BY 1"""
Function = tuple[
    str, int, list[str], list[str]
]  # name, where p_station stands, who may run it, types


def functions(owner: psycopg.Connection[Any], role: str) -> list[Function]:
    return [found for found in owner.execute(FUNCTIONS.encode()).fetchall() if role in found[2]]


def said(owner: psycopg.Connection[Any], found: Function, role: str, station: str) -> str:
    """The SQLSTATE of calling it with this station and nothing else; "" when it went through."""
    name, at, _roles, types = found
    values = [station if n == at else "NULL" for n in range(1, len(types) + 1)]
    words = ", ".join(f"{value}::{kind}" for value, kind in zip(values, types, strict=True))
    try:
        with owner.transaction(force_rollback=True):
            owner.execute(f"SET SESSION AUTHORIZATION {role}".encode())
            owner.execute("SELECT set_config('app.station_id', '3', true)")
            owner.execute(f"SELECT * FROM {name}({words})".encode())
    except psycopg.Error as error:
        return error.sqlstate or "?"
    finally:
        owner.execute("RESET SESSION AUTHORIZATION")
    return ""


def test_T12_a_page_cannot_work_for_another_station_through_any_function(
    owner: psycopg.Connection[Any],
) -> None:
    ours = functions(owner, "kameng_app")
    assert len(ours) > 15
    open_doors = [found[0] for found in ours if said(owner, found, "kameng_app", "2") != "KM403"]
    assert open_doors == []


@pytest.mark.parametrize("role", ["kameng_app", "kameng_main"])
def test_a_function_works_for_no_nameless_station(
    owner: psycopg.Connection[Any], role: str
) -> None:
    ours = functions(owner, role)
    nameless = {found[0] for found in ours if said(owner, found, role, "NULL") != "KM403"}
    assert nameless == (WITHOUT_DOOR if role == "kameng_main" else set())

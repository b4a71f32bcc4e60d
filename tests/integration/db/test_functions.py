"""The guarded functions of a database are those of the files, whatever was there before."""

from typing import Any

import psycopg

from kameng.db.migrate import apply_functions

SIGNATURES = (
    "SELECT proname, count(*) FROM pg_proc WHERE pronamespace = 'public'::regnamespace "
    "AND proowner = 'kameng_guard'::regrole GROUP BY 1 ORDER BY 1"
)


def test_a_function_of_an_older_version_does_not_live_on(owner: psycopg.Connection[Any]) -> None:
    before = owner.execute(SIGNATURES).fetchall()
    assert {count for _name, count in before} == {1}
    with owner.transaction(force_rollback=True):
        owner.execute(
            "CREATE FUNCTION apply_payment(p_station bigint) RETURNS int LANGUAGE sql AS 'SELECT 1'"
        )
        owner.execute("CREATE FUNCTION gone() RETURNS int LANGUAGE sql AS 'SELECT 1'")
        owner.execute("ALTER FUNCTION apply_payment(bigint) OWNER TO kameng_guard")
        owner.execute("ALTER FUNCTION gone() OWNER TO kameng_guard")
        owner.execute("DELETE FROM applied_functions")
        apply_functions(owner)
        assert owner.execute(SIGNATURES).fetchall() == before

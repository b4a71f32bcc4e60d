"""Foundation: all tables, row level security and grants."""

from pathlib import Path
from typing import Any, cast

import psycopg
from alembic import op

revision = "0001"
down_revision = None

SQL = Path(__file__).parents[1] / "sql"


def upgrade() -> None:
    # The driver's own cursor takes a whole file of statements in one call.
    connection = cast(psycopg.Connection[Any], op.get_bind().connection.driver_connection)
    for name in ("0001_tables.sql", "0001_walls.sql"):
        connection.execute((SQL / name).read_text(encoding="utf-8").encode())


def downgrade() -> None:
    raise RuntimeError("the first step has nothing to go back to: drop the database instead")

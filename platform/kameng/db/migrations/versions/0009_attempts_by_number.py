"""Attempts to collect are found by their number."""

from pathlib import Path
from typing import Any, cast

import psycopg
from alembic import op

revision = "0009"
down_revision = "0008"

SQL = Path(__file__).parents[1] / "sql"


def upgrade() -> None:
    connection = cast(psycopg.Connection[Any], op.get_bind().connection.driver_connection)
    connection.execute((SQL / "0009_attempts_by_number.sql").read_text(encoding="utf-8").encode())


def downgrade() -> None:
    raise RuntimeError("attempts by number do not go back: restore a backup instead")

"""Notices no longer lock the row of their station."""

from pathlib import Path
from typing import Any, cast

import psycopg
from alembic import op

revision = "0011"
down_revision = "0009"

SQL = Path(__file__).parents[1] / "sql"


def upgrade() -> None:
    connection = cast(psycopg.Connection[Any], op.get_bind().connection.driver_connection)
    connection.execute(
        (SQL / "0011_notices_ask_no_station.sql").read_text(encoding="utf-8").encode()
    )


def downgrade() -> None:
    raise RuntimeError("notices that ask no station do not go back: restore a backup instead")

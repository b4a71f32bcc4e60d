"""Backups and the time after a restore."""

from pathlib import Path
from typing import Any, cast

import psycopg
from alembic import op

revision = "0007"
down_revision = "0006"

SQL = Path(__file__).parents[1] / "sql"


def upgrade() -> None:
    connection = cast(psycopg.Connection[Any], op.get_bind().connection.driver_connection)
    connection.execute((SQL / "0007_backup.sql").read_text(encoding="utf-8").encode())


def downgrade() -> None:
    raise RuntimeError("what was restored does not go back: restore a backup instead")

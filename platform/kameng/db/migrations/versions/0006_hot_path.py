"""What a sale costs: rules of hot rows as policies, the accounts of a sale in one row."""

from pathlib import Path
from typing import Any, cast

import psycopg
from alembic import op

revision = "0006"
down_revision = "0005"

SQL = Path(__file__).parents[1] / "sql"


def upgrade() -> None:
    connection = cast(psycopg.Connection[Any], op.get_bind().connection.driver_connection)
    connection.execute((SQL / "0006_hot_path.sql").read_text(encoding="utf-8").encode())


def downgrade() -> None:
    raise RuntimeError("rules of rows do not go back: restore a backup instead")

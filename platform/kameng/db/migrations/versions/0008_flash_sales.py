"""Flash sales."""

from pathlib import Path
from typing import Any, cast

import psycopg
from alembic import op

revision = "0008"
down_revision = "0007"

SQL = Path(__file__).parents[1] / "sql"


def upgrade() -> None:
    connection = cast(psycopg.Connection[Any], op.get_bind().connection.driver_connection)
    connection.execute((SQL / "0008_flash_sales.sql").read_text(encoding="utf-8").encode())


def downgrade() -> None:
    raise RuntimeError("flash sales do not go back: restore a backup instead")

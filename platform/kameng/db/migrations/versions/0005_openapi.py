"""The open API: keys, docking dialects, requests for money back, sandbox, webhooks."""

from pathlib import Path
from typing import Any, cast

import psycopg
from alembic import op

revision = "0005"
down_revision = "0004"

SQL = Path(__file__).parents[1] / "sql"


def upgrade() -> None:
    connection = cast(psycopg.Connection[Any], op.get_bind().connection.driver_connection)
    connection.execute((SQL / "0005_openapi.sql").read_text(encoding="utf-8").encode())


def downgrade() -> None:
    raise RuntimeError("orders of programs do not go back: restore a backup instead")

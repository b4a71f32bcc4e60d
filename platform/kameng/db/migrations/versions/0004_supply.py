"""Supply: suppliers, contracts, connections, offers, purchases, scorecards, plans, releases."""

from pathlib import Path
from typing import Any, cast

import psycopg
from alembic import op

revision = "0004"
down_revision = "0003"

SQL = Path(__file__).parents[1] / "sql"


def upgrade() -> None:
    connection = cast(psycopg.Connection[Any], op.get_bind().connection.driver_connection)
    connection.execute((SQL / "0004_supply.sql").read_text(encoding="utf-8").encode())


def downgrade() -> None:
    raise RuntimeError("purchases do not go back: restore a backup instead")

"""Money: accounts at gateways, settlement, withdrawals, approvals, bills, the sealed ledger."""

from pathlib import Path
from typing import Any, cast

import psycopg
from alembic import op

revision = "0003"
down_revision = "0002"

SQL = Path(__file__).parents[1] / "sql"


def upgrade() -> None:
    connection = cast(psycopg.Connection[Any], op.get_bind().connection.driver_connection)
    connection.execute((SQL / "0003_money.sql").read_text(encoding="utf-8").encode())


def downgrade() -> None:
    raise RuntimeError("money that has moved does not go back: restore a backup instead")

"""A station's pages open attempts; that one is paid is not theirs to say.

Refunds give back what attempts say was paid, so a row a page had marked as paid would have been
money. Notices and counted hits are written by guarded functions alone.
"""

from alembic import op

revision = "0002"
down_revision = "0001"

OWN = "station_id = (SELECT nullif(current_setting('app.station_id', true), '')::bigint)"


def upgrade() -> None:
    op.execute(
        f"ALTER POLICY station_own ON payment_attempt WITH CHECK ({OWN} AND state <> 'succeeded')"
    )
    op.execute("REVOKE INSERT, UPDATE ON payment_notice FROM kameng_app")
    op.execute("REVOKE INSERT ON risk_hit FROM kameng_app")


def downgrade() -> None:
    op.execute("GRANT INSERT ON risk_hit TO kameng_app")
    op.execute("GRANT INSERT, UPDATE ON payment_notice TO kameng_app")
    op.execute(f"ALTER POLICY station_own ON payment_attempt WITH CHECK ({OWN})")

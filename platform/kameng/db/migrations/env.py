"""Alembic's entry: the connection is handed in by `kameng.db.migrate`."""

from alembic import context

context.configure(
    connection=context.config.attributes["connection"], transaction_per_migration=False
)
with context.begin_transaction():
    context.run_migrations()

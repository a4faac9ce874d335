"""Alembic's entry: runs the migrations over the connection and transaction that migrate.py hands in."""

from alembic import context

context.configure(connection=context.config.attributes["connection"])
with context.begin_transaction():
    context.run_migrations()

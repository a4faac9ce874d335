"""Brings a database's tables to this program's shape, by Alembic; an old database keeps what it holds."""

from typing import Final

from alembic import command
from alembic.config import Config
from alembic.util import CommandError
from sqlalchemy import Connection, inspect

FIRST: Final = "0001"
"""The shape of databases from before migrations were numbered."""


def upgrade(connection: Connection) -> None:
    """Runs what is missing, in the connection's transaction. Raises RuntimeError for a newer database."""
    config = Config(attributes={"connection": connection})
    config.set_main_option("script_location", "services.pricing.adapters:migrations")
    inspector = inspect(connection)
    if inspector.has_table("counters") and not inspector.has_table("alembic_version"):
        command.stamp(config, FIRST)
    try:
        command.upgrade(config, "head")
    except CommandError as error:
        raise RuntimeError(f"the pricing database was made by a newer program: {error}") from error

"""Alembic migrations of the pricing database, run by migrate.py; versions/ holds one file a step."""

"""Pricing's outside: the SQL database, and the log that fills it."""

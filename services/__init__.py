"""Aisle's services: one folder each, the kit they share, and the `aisle` command."""

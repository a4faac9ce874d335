"""The `aisle` command: one module a verb; what a verb needs is loaded when it runs."""

"""Plumbing that every service uses, and nothing of any domain."""

"""Experiments with prices: who pays which price when, by chance, and what that changed."""

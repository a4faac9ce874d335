"""Recommendations: which products to show a shopper, in what order, and why."""

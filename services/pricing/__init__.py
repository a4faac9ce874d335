"""Pricing: what each product costs now, why, and what it cost before."""

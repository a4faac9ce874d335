"""Exploration: some positions of some answers are drawn, and what was drawn is learnt from and evaluated."""

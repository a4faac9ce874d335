"""What a query means: its language, prices, sizes, negations, spelling, synonyms and what it names."""

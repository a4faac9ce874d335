"""Search: finds products by words and by meaning, counts facets, completes what is typed."""

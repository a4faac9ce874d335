"""The model that Triton runs for search, where it is told to."""

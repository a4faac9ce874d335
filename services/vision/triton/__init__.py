"""The Triton model repository, and what starts the real server with it."""

"""One file for each outside thing: Triton, FAISS, the SQLite view."""

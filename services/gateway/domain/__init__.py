"""What a page is, how it is composed within its budget, and what may be written; plain Python."""

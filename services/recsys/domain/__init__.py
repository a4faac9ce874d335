"""What recommending is, in plain Python: catalogue, taste, popularity, co-occurrence, and their blend."""

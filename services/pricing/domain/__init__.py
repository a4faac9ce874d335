"""How a price is made, in plain Python: integer micros in, integer micros out."""

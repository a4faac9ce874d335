"""What a picture may be and which products look alike: plain functions on plain data."""

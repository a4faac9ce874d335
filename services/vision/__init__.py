"""Sees what is in a picture, and finds the products that look like it; the model itself runs in Triton."""

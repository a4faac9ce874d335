"""What search decides, in plain Python."""

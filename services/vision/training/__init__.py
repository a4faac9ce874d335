"""Trains a recogniser on a shop's own photos; needs torch, which serving does not."""

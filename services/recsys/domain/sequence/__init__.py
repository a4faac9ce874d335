"""How the sequence model of models/sasrec.py learns; needs torch, which serving does not."""

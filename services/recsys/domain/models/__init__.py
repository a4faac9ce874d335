"""The models, one a file, all behind the contract of model.py."""

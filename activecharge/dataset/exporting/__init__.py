"""Datasets as the training codes of others read them."""

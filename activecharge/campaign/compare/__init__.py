"""Couplings trained on the same labels and set side by side."""

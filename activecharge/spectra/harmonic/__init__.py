"""Harmonic vibrations of clusters."""

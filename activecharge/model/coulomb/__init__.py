"""Coulomb energies of point charges."""

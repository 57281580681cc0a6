"""Infrared spectra of simulations, and harmonic vibrations, with error bars."""

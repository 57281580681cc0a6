"""Physical constants in the program's units: Å, eV, e, fs, K.

Values follow CODATA 2018 (https://doi.org/10.1103/RevModPhys.93.025010), which ASE's
default constants (CODATA 2014) reproduce to better than 1e-7.
"""

BOHR = 0.529177210903
"""Bohr radius in Å."""

HARTREE = 27.211386245988
"""Hartree energy in eV."""

COULOMB = HARTREE * BOHR
"""e²/(4πε₀) = 14.399645 eV·Å/e²: two unit charges 1 Å apart."""

BOLTZMANN = 8.617333262e-5
"""Boltzmann constant in eV/K."""

ACCELERATION = 9.648533212e-3
"""1 eV/Å acting on 1 u, in Å/fs²."""

DALTON_PER_A3 = 1.66053906660
"""1 u/Å³ in g/cm³."""

LIGHT = 2997.92458
"""Speed of light in Å/fs."""

PER_CM = 1e-8
"""1 cm⁻¹ in Å⁻¹."""

HBAR = 0.6582119569
"""Reduced Planck constant in eV·fs."""

AVOGADRO = 6.02214076e23
"""Entities in a mole."""

DEBYE = 0.2081943
"""1 debye in e·Å."""

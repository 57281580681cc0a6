"""Where atoms are: cells, and pairs of atoms near each other, in double precision."""

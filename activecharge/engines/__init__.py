"""Simulation engines that a committee drives: i-PI, torch-sim, LAMMPS. ASE's is the calculator."""

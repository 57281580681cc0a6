"""Where labels come from: electronic structure codes run in isolation, then physical gates."""

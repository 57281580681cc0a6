"""The page of a comparison of couplings."""

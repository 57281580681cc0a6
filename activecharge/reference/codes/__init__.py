"""The electronic structure codes, one module or folder each."""

"""The charge model. File names of a checkpoint are here, to be known without torch."""

WEIGHTS = "model.safetensors"
ARCHITECTURE = "model.json"
"""Written last: where it is, the checkpoint is complete."""

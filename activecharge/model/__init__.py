"""The charge model. File names of a checkpoint are here, to be known without torch."""

WEIGHTS = "model.safetensors"
ARCHITECTURE = "model.json"
"""Written last: where it is, the checkpoint is complete."""

LAST_LAYER = "last_layer.json"
LAST_LAYER_FACTORS = "last_layer.safetensors"
"""Beside the checkpoint of a single network that knows its own uncertainty."""

"""Layers of the backbone: those of mace-torch, in forms that take fewer and larger operations."""

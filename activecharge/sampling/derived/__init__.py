"""Frames made from other frames: carved, compressed, broken, rattled."""

"""Frames from dynamics that a committee drives."""

"""Frames out of files, whatever program wrote them."""

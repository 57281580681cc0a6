"""What a frame and its values must be to be taken: handled, physical, plausible."""

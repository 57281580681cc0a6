"""What a spread is worth."""

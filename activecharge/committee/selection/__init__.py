"""Which scored candidates to label."""

"""Reference codes in a process of their own."""

"""Molecular dynamics that a committee drives: physics with the members' spread."""

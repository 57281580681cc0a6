"""Labelled data of other programs, turned into the program's own."""

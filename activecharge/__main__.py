"""`python -m activecharge` is the command line."""

from activecharge.cli import main

main()

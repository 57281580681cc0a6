"""What a person is meant to read: mistakes, and notes."""


class UserError(Exception):
    """Something the user can mend; its text is one clear sentence.

    The command line prints the sentence and exits with code 2. The sentence names
    the file, key or frame, says what was expected and what to do.
    """


class Note(Warning):
    """Something the user should know of, though all goes on; the command line prints it."""


class BrokenGeometry(UserError):
    """Positions of which a model can say nothing, such as two atoms in one place.

    Dynamics stops a walker that comes to them; wherever else, the user is told.
    """


class OutputsMissing(UserError):
    """Labels that are made outside of the program are not there yet; exit code 3."""


WAITING = 3
"""Exit code of a process that goes on once somebody else has done their part."""

INTERRUPTED = 130
"""Exit code of a process that was asked to stop."""

"""The one exception that a person is meant to read."""


class UserError(Exception):
    """Something the user can mend; its text is one clear sentence.

    The command line prints the sentence and exits with code 2. The sentence names
    the file, key or frame, says what was expected and what to do.
    """


class BrokenGeometry(UserError):
    """Positions of which a model can say nothing, such as two atoms in one place.

    Dynamics stops a walker that comes to them; wherever else, the user is told.
    """

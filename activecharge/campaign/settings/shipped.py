"""Campaign files that come with the program, known by name wherever it is installed."""

from pathlib import Path

import activecharge
from activecharge.errors import UserError

_PACKAGE = Path(activecharge.__file__).parent


def shipped() -> dict[str, Path]:
    """Files by name, such as "smoke"."""
    # Beside the package where it is worked on, inside where it is installed.
    for folder in (_PACKAGE / "shipped", _PACKAGE.parent / "campaigns"):
        if found := {path.stem: path for path in sorted(folder.glob("*.yaml"))}:
            return found
    return {}


def campaign_file(given: Path) -> Path:
    """The file that a user means: their own, or one that comes with the program.

    Raises
    ------
    UserError
        If a bare name is neither.
    """
    known = shipped()
    if given.exists() or given.suffix or len(given.parts) > 1:
        return given
    if given.name not in known:
        raise UserError(
            f"{given}: no such file, and no campaign that comes with the program; there are: "
            f"{', '.join(known)}"
        )
    return known[given.name]

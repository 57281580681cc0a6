"""How old a file or folder is: versions of what the program writes for itself to read again.

What carries no version was written by version 0.1.0 of the program and counts as 1.
"""

from pathlib import Path
from typing import Any

from activecharge.errors import UserError

RUN_DIRECTORY = 2
"""2: `schedule` has a group of its own in campaign.yaml, every round has a lesson.json, chosen
frames name the committee that chose them."""

COMMITTEE = 1
DATASET = 1
PACKED_COMMITTEE = 1


def check_version(data: dict[str, Any], known: int, where: Path) -> None:
    """Refuse what a newer program wrote.

    Parameters
    ----------
    data : dict
        May hold "format_version".
    known : int
        Newest version that this program reads.
    where : pathlib.Path
        For the sentence.
    """
    found = data.get("format_version", 1)
    if not isinstance(found, int) or found > known:
        raise UserError(
            f"{where}: written by a newer activecharge (format version {found}, this one reads up "
            f"to {known}); update activecharge"
        )

"""How old a file or folder is: versions of what the program writes for itself to read again.

What carries no version was written by version 0.1.0 of the program and counts as 1.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from activecharge.errors import UserError
from activecharge.files import write_json

_KEY = "format_version"


def check_version(data: Mapping[str, object], known: int, where: Path) -> None:
    """Refuse what a newer program wrote.

    Parameters
    ----------
    data : mapping
        May hold "format_version".
    known : int
        Newest version that this program reads.
    where : pathlib.Path
        For the sentence.
    """
    found = data.get(_KEY, 1)
    if not isinstance(found, int) or found > known:
        raise UserError(
            f"{where}: written by a newer activecharge (format version {found}, this one reads up "
            f"to {known}); update activecharge"
        )


@dataclass(frozen=True)
class FolderFormat:
    """The version of a kind of folder, and the file in it that says so."""

    file: str
    version: int

    def write(self, folder: Path) -> None:
        """Say that this program wrote the folder."""
        write_json(folder / self.file, versioned({}, self.version))

    def check(self, folder: Path) -> None:
        """Refuse a folder that a newer program wrote.

        Raises
        ------
        UserError
            One sentence; also where the file is no JSON.
        """
        file = folder / self.file
        if not file.exists():
            return
        try:
            data = json.loads(file.read_bytes())
        except ValueError as error:
            raise UserError(f"{file}: not valid JSON; delete it") from error
        check_version(data if isinstance(data, dict) else {}, self.version, folder)


def versioned(data: Mapping[str, object], version: int) -> dict[str, object]:
    """Data with their version before them."""
    return {_KEY: version, **data}


RUN_DIRECTORY = FolderFormat("format.json", 2)
"""2: `schedule` has a group of its own in campaign.yaml, every round has a lesson.json, chosen
frames name the committee that chose them."""

COMMITTEE = FolderFormat("committee.json", 1)
"""A folder of members."""

DATASET = 1
"""What a manifest describes."""

PACKED_COMMITTEE = 1
"""A committee in one file."""

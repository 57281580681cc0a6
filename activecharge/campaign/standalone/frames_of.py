"""What verbs are given: files, or what is in memory already."""

from collections.abc import Collection, Sequence
from pathlib import Path

from ase import Atoms

from activecharge.dataset.extxyz import read_labels
from activecharge.dataset.identity import canonical, content_hash
from activecharge.dataset.manifest import check_age
from activecharge.errors import UserError
from activecharge.records import Candidate, Label
from activecharge.sampling.pool import read_pool

Frames = Path | str | Sequence[Atoms]
"""A file of configurations, or the configurations."""


def candidates_of(frames: Frames, elements: Collection[str] | None = None) -> list[Candidate]:
    """Configurations in canonical form, each with its place.

    Raises
    ------
    UserError
        If the file cannot be read or is of a newer program, there are none, or one is not what
        the program handles.
    """
    if isinstance(frames, Path | str):
        check_age(frames)
        name, found = Path(frames).name, read_pool(frames, elements)
    else:
        name = "memory"
        found = [canonical(a, f"frame {i}", elements) for i, a in enumerate(frames)]
        if not found:
            raise UserError("there are no frames; give at least one")
    return [
        Candidate(atoms, content_hash(atoms), "file", {"file": name, "frame": index})
        for index, atoms in enumerate(found)
    ]


def labels_of(
    data: Path | str | Sequence[Label], elements: Collection[str] | None = None
) -> list[Label]:
    """Labels of an extxyz file, their hashes made anew, or those given."""
    if isinstance(data, Path | str):
        check_age(data)
        return read_labels(data, elements, rehash=True)
    return list(data)

"""Configurations that occur more than once, within a file or in several."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from ase import Atoms

from activecharge.dataset.identity import content_hash
from activecharge.sampling.duplicates import fingerprint


@dataclass(frozen=True)
class Repeat:
    """A frame that is, or nearly is, an earlier one.

    Attributes
    ----------
    file, frame : str, int
        Where it is; frames count from 0.
    first_file, first_frame : str, int
        The earlier one.
    distance : float
        Largest difference of their sorted pair distances and cells, Å; 0 where the content
        hashes are equal.
    """

    file: str
    frame: int
    first_file: str
    first_frame: int
    distance: float

    @property
    def leak(self) -> bool:
        """Whether the two lie in different files, e.g. one to train on and one to test on."""
        return self.file != self.first_file

    def __str__(self) -> str:
        how = "is" if self.distance == 0 else f"is within {self.distance:.2g} Å of"
        there = self.first_file if self.leak else "the same file"
        return f"{self.file}, frame {self.frame} {how} frame {self.first_frame} of {there}"


def find_repeats(
    files: Mapping[str, Sequence[Atoms]], tolerance: float = 0.02
) -> tuple[Repeat, ...]:
    """Find duplicates within files and leaks between them.

    Frames are the same if their content hashes are, whatever the order of atoms, position and
    orientation, and nearly the same by the test of `NearDuplicates`.

    Parameters
    ----------
    files : mapping of str to sequence of ase.Atoms
        Frames by file.
    tolerance : float
        Largest `distance` of near duplicates, Å.

    Returns
    -------
    tuple of Repeat
        In the order of the files; each frame at most once for each file that has it already,
        with the closest of that file's frames.
    """
    places = [(file, frame) for file, frames in files.items() for frame in range(len(frames))]
    shapes = [fingerprint(atoms) for frames in files.values() for atoms in frames]
    hashes = [content_hash(atoms) for frames in files.values() for atoms in frames]
    groups: dict[str, list[int]] = defaultdict(list)
    for index, shape in enumerate(shapes):
        groups[shape.group].append(index)
    closest: dict[tuple[int, str], tuple[float, int]] = {}
    for members in groups.values():
        values = np.stack([shapes[index].values for index in members])
        names = [hashes[index] for index in members]
        for one, two, distance in _close_pairs(values, names, tolerance):
            later, earlier = members[two], members[one]
            key = later, places[earlier][0]
            closest[key] = min(closest.get(key, (np.inf, 0)), (distance, earlier))
    return tuple(
        Repeat(*places[later], *places[earlier], distance)
        for (later, _), (distance, earlier) in sorted(closest.items())
    )


def _close_pairs(
    values: np.ndarray, hashes: Sequence[str], tolerance: float
) -> list[tuple[int, int, float]]:
    """Pairs of rows (earlier, later, distance) that differ by less than the tolerance."""
    means = values.mean(axis=1)
    order = np.argsort(means, kind="stable")
    # Means of close rows are close, so each row meets only its neighbours in their order.
    ends = np.searchsorted(means[order], means[order] + tolerance, side="right")
    pairs = []
    for start, end in enumerate(ends):
        row, others = order[start], order[start + 1 : end]
        distances = np.abs(values[others] - values[row]).max(axis=1, initial=0.0)
        for other, distance in zip(others, distances, strict=True):
            same = hashes[row] == hashes[other]
            if same or distance < tolerance:
                one, two = sorted((int(row), int(other)))
                pairs.append((one, two, 0.0 if same else float(distance)))
    return pairs

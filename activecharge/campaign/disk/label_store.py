"""The label store: one small file a configuration, named by its content hash."""

from pathlib import Path

from activecharge.errors import UserError
from activecharge.records import Failure, Label

# What reads and writes frames is imported where it is used, see `round_folder`.


class LabelStore:
    """Labels by content hash, one file each; and, likewise, what could not be labelled.

    Writing is atomic and says the same however often it is done, so any process may do it.
    """

    def __init__(self, root: Path):
        self.labels, self.quarantine = root / "labels", root / "quarantine"

    def put(self, result: Label | Failure) -> None:
        """Keep a label, or a failure with its reason."""
        from activecharge.dataset.candidates import candidate_to_atoms
        from activecharge.dataset.extxyz import write_labels
        from activecharge.dataset.frames import write_frames

        name = result.candidate.hash
        if isinstance(result, Label):
            write_labels(self.labels / f"{name}.extxyz", [result])
        else:
            frame = candidate_to_atoms(result.candidate)
            frame.info["reason"] = result.reason
            write_frames(self.quarantine / f"{name}.extxyz", [frame])

    def names(self) -> tuple[set[str], set[str]]:
        """Content hashes of all labels, and of all that could not be labelled."""
        return (
            {path.stem for path in self.labels.glob("[!.]*.extxyz")},
            {path.stem for path in self.quarantine.glob("[!.]*.extxyz")},
        )

    def history(self) -> tuple[int, list[Failure]]:
        """How many configurations were tried to the end, and those that failed."""
        failures = [_read_failure(path) for path in sorted(self.quarantine.glob("*.extxyz"))]
        return len(failures) + len(list(self.labels.glob("*.extxyz"))), failures

    def get(self, name: str) -> Label | Failure | None:
        """What is known of a content hash; None if it was never tried to the end.

        Raises
        ------
        UserError
            If a file of the store was damaged or put there by something else.
        """
        for path, read in (
            (self.labels / f"{name}.extxyz", _read_label),
            (self.quarantine / f"{name}.extxyz", _read_failure),
        ):
            if not path.exists():
                continue
            try:
                result = read(path)
            except UserError as error:
                raise UserError(f"{error} Or delete {path} to have it labelled again.") from error
            if result.candidate.hash != name:
                raise UserError(f"{path}: holds another configuration; delete it and run again")
            return result
        return None


def _read_label(path: Path) -> Label:
    from activecharge.dataset.extxyz import read_labels

    return read_labels(path)[0]


def _read_failure(path: Path) -> Failure:
    from activecharge.dataset.candidates import candidate_from_atoms
    from activecharge.dataset.frames import read_frames

    for _, frame in read_frames(path):
        return Failure(candidate_from_atoms(frame), str(frame.info.get("reason", "unknown")))
    raise UserError(f"{path}: holds no frame.")

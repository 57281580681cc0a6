"""The files of one round: what was found, chosen, said and learnt."""

import hashlib
import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path

from activecharge.errors import UserError
from activecharge.files import write_json
from activecharge.records import Candidate, Choice, SourceTally
from activecharge.report.metrics import PropertyErrors, errors_from_json, errors_to_json
from activecharge.strict_json import strict

# What reads and writes frames takes half a second to import, in which `status` is to answer; it is
# imported where it is used.

_HASH = re.compile(r'\bhash=(?:(\w+)|"_JSON \\"(\w+)\\"")')
"""A content hash in an extxyz comment, plain or as the text that it is."""


@dataclass(frozen=True)
class TrainingInputs:
    """What a round's committee learnt from.

    Attributes
    ----------
    labels : tuple of str
        Content hashes, in the order of the dataset.
    start : int or None
        Round of the committee whose members it continued from; None for the first.
    """

    labels: tuple[str, ...]
    start: int | None


class RoundFolder:
    """The files of one round, or of the test set; each is there whole or not at all."""

    def __init__(self, path: Path):
        self.path = path
        self.candidates = path / "candidates.extxyz"
        self.selection = path / "selection.extxyz"
        self.sources = path / "sources.json"
        self.members = path / "members"
        self.lesson = path / "lesson.json"
        self.checksums = path / "members.json"
        self.test_errors = path / "test_errors.json"
        self.test_pairs = path / "test_predictions.extxyz"

    def write_selection(self, choices: Sequence[Choice]) -> None:
        """Keep what is labelled in this round, in order."""
        from activecharge.dataset.choices import write_choices

        write_choices(self.selection, choices)

    def read_selection(self) -> list[Choice]:
        """What `write_selection` kept; empty before."""
        from activecharge.dataset.choices import read_choices

        if not self.selection.exists():
            return []
        try:
            return read_choices(self.selection)
        except UserError as error:
            raise UserError(
                f"{error} Or delete it to have the round chosen again; labels are kept."
            ) from error

    def read_hashes(self) -> list[str]:
        """Content hashes alone of what `write_selection` kept; empty before.

        A hundred times faster than `read_selection`, for those who only count.
        """
        try:
            state = self.selection.stat()
        except FileNotFoundError:
            return []
        return list(_hashes(self.selection, state.st_mtime_ns, state.st_size))

    def found_nothing(self) -> bool:
        """Whether there was no candidate worth a label.

        A round that only trains has no choices either, but no candidates were sought for it.
        """
        chose_none = self.selection.exists() and not self.read_hashes()
        return chose_none and self.candidates.exists()

    def write_inputs(self, inputs: TrainingInputs) -> None:
        """Keep what the round's committee is about to learn from."""
        write_json(self.lesson, {"start": inputs.start, "labels": inputs.labels})

    def read_inputs(self) -> TrainingInputs | None:
        """What `write_inputs` kept; None before, and in rounds of version 0.1.0 that learnt from
        all labels up to then."""
        if not self.lesson.exists():
            return None
        try:
            data = json.loads(self.lesson.read_bytes())
            return TrainingInputs(tuple(data["labels"]), data["start"])
        except (ValueError, KeyError, TypeError) as error:
            raise UserError(
                f"{self.lesson}: not as it was written; delete it and {self.members}, and run again"
            ) from error

    def write_checksums(self) -> None:
        """Keep what the files of the trained members hold, to notice when one is damaged."""
        files = sorted(p for p in self.members.rglob("*") if p.is_file())
        sums = {str(p.relative_to(self.members)): _checksum(p) for p in files}
        write_json(self.checksums, sums)

    def set_aside_damaged(self) -> list[str]:
        """Move members whose files are not as they were written out of the way.

        Returns
        -------
        list of str
            Their names. They lie in the folder `damaged` then, and can be trained again.
        """
        try:
            sums: dict[str, str] = json.loads(self.checksums.read_bytes())
        except (FileNotFoundError, ValueError):  # of version 0.1.0, or damaged itself
            return []
        wrong = {
            Path(name).parts[0]
            for name, checksum in sums.items()
            if not (self.members / name).is_file() or _checksum(self.members / name) != checksum
        }
        damaged = sorted(name for name in wrong if (self.members / name).is_dir())
        for name in damaged:
            place = self.path / "damaged"
            place.mkdir(exist_ok=True)
            number = len(list(place.iterdir()))
            (self.members / name).rename(place / f"{number:02d}-{name}")
        return damaged

    def write_sources(self, rows: Sequence[SourceTally]) -> None:
        """Keep what each source brought, see `activecharge.committee.selection.novelty.tally`."""
        write_json(self.sources, [asdict(row) for row in rows])

    def read_sources(self) -> list[SourceTally]:
        """What `write_sources` kept; empty before."""
        if not self.sources.exists():
            return []
        try:
            return [SourceTally(**row) for row in json.loads(self.sources.read_bytes())]
        except (ValueError, TypeError) as error:
            raise UserError(f"{self.sources}: not as it was written; delete it") from error

    def write_test_errors(self, errors: dict[str, PropertyErrors]) -> None:
        """Keep errors on the fixed test set, see `activecharge.report.metrics.errors`."""
        write_json(self.test_errors, strict(errors_to_json(errors)))

    def read_test_errors(self) -> dict[str, PropertyErrors]:
        """What `write_test_errors` kept; empty before."""
        if not self.test_errors.exists():
            return {}
        try:
            return errors_from_json(json.loads(self.test_errors.read_bytes()))
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise UserError(
                f"{self.test_errors}: not as it was written; delete it and run again"
            ) from error

    def write_candidates(self, candidates: Sequence[Candidate]) -> None:
        """Keep what exploration found."""
        from activecharge.dataset.candidates import write_candidates

        write_candidates(self.candidates, candidates)

    def read_candidates(self) -> list[Candidate]:
        """What exploration found."""
        from activecharge.dataset.candidates import read_candidates

        return read_candidates(self.candidates)


@lru_cache(maxsize=1024)
def _hashes(path: Path, changed: int, size: int) -> tuple[str, ...]:
    """Content hashes in a file of that state; whoever looks again and again reads it once."""
    found = (_HASH.search(comment) for comment in _comments(path))
    return tuple(match[1] or match[2] for match in found if match)


def _comments(path: Path) -> Iterator[str]:
    """Comment lines of an extxyz file."""
    with path.open(encoding="utf-8") as lines:
        for line in lines:
            try:
                count = int(line)
            except ValueError as error:
                raise UserError(
                    f"{path}: not extxyz as it was written; restore the file"
                ) from error
            yield next(lines, "")
            for _ in range(count):
                next(lines, "")


def _checksum(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()

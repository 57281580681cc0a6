"""The files of one round: what was found, chosen, said and learnt."""

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

from activecharge.campaign.strict import strict
from activecharge.errors import UserError
from activecharge.files import write_json
from activecharge.records import Candidate, Prediction, SourceTally
from activecharge.report.metrics import PropertyErrors, errors_from_json, errors_to_json

# What reads and writes frames takes half a second to import, in which `status` is to answer; it is
# imported where it is used.

_HASH = re.compile(r'\bhash=(?:(\w+)|"_JSON \\"(\w+)\\"")')
"""A content hash in an extxyz comment, plain or as the text that it is."""


@dataclass(frozen=True)
class Chosen:
    """A candidate that a round labels, with what the committee said of it.

    `why` is "initial" or as in `committee.selection.choose.Choice`; `score` and `worst` are
    as in `activecharge.records.Scored`. They and `prediction` are None where there was no
    committee, or what it said was not a finite number. `committee` is the round of the committee
    that chose, where that is not the round before; `cause` is as in `Scored`, empty where unknown.
    """

    candidate: Candidate
    why: str
    prediction: Prediction | None = None
    score: float | None = None
    worst: dict[str, float] | None = None
    committee: int | None = None
    cause: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Lesson:
    """What a committee learnt from, where that is not all labels of its and former rounds.

    Attributes
    ----------
    labels : tuple of str
        Content hashes, in the order of the dataset.
    start : int or None
        Round of the committee whose members it continued from.
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
        self.test_errors = path / "test_errors.json"
        self.test_pairs = path / "test_predictions.extxyz"

    def write_selection(self, chosen: Sequence[Chosen]) -> None:
        """Keep what is labelled in this round, in order."""
        from activecharge.dataset.candidates import candidate_to_atoms
        from activecharge.dataset.frames import write_frames
        from activecharge.dataset.predictions import put_prediction

        frames = []
        for item in chosen:
            frame = candidate_to_atoms(item.candidate)
            frame.info["chosen"] = item.why
            if item.committee is not None:
                frame.info["committee"] = item.committee
            if item.prediction is not None:
                frame.info["score"] = item.score
                frame.info["worst"] = json.dumps(item.worst)
                frame.info["cause"] = json.dumps(strict(item.cause))
                put_prediction(frame, item.prediction)
            frames.append(frame)
        write_frames(self.selection, frames)

    def read_selection(self) -> list[Chosen]:
        """What `write_selection` kept; empty before."""
        from activecharge.dataset.candidates import candidate_from_atoms
        from activecharge.dataset.frames import read_frames
        from activecharge.dataset.predictions import take_prediction

        if not self.selection.exists():
            return []
        chosen = []
        for where, frame in read_frames(self.selection):
            scored = "score" in frame.info
            worst, cause = frame.info.get("worst"), frame.info.get("cause", {})
            chosen.append(
                Chosen(
                    candidate=candidate_from_atoms(frame),
                    why=str(frame.info["chosen"]),
                    prediction=take_prediction(frame, where) if scored else None,
                    score=float(frame.info["score"]) if scored else None,
                    worst=json.loads(worst) if isinstance(worst, str) else worst,
                    committee=frame.info.get("committee"),
                    cause=json.loads(cause) if isinstance(cause, str) else cause,
                )
            )
        return chosen

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

        A round without a choice that no candidates were sought for is no sign of that, see
        `flow.Flow`.
        """
        chose_none = self.selection.exists() and not self.read_hashes()
        return chose_none and self.candidates.exists()

    def write_lesson(self, lesson: Lesson) -> None:
        """Keep what the round's committee is about to learn from."""
        write_json(self.lesson, {"start": lesson.start, "labels": lesson.labels})

    def read_lesson(self) -> Lesson | None:
        """What `write_lesson` kept; None where all labels up to this round were learnt from."""
        if not self.lesson.exists():
            return None
        try:
            data = json.loads(self.lesson.read_bytes())
            return Lesson(tuple(data["labels"]), data["start"])
        except (ValueError, KeyError, TypeError) as error:
            raise UserError(
                f"{self.lesson}: not as it was written; delete it and {self.members}, and run again"
            ) from error

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

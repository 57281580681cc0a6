"""A run directory: where everything lies, who may write, and the label store."""

import fcntl
import json
import os
import socket
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from activecharge.campaign.config import Campaign, dump_campaign, load_campaign
from activecharge.campaign.journal import Journal
from activecharge.dataset.candidates import (
    candidate_from_atoms,
    candidate_to_atoms,
    read_candidates,
    write_candidates,
)
from activecharge.dataset.extxyz import read_labels, write_labels
from activecharge.dataset.frames import read_frames, write_frames
from activecharge.dataset.predictions import put_prediction, take_prediction
from activecharge.errors import UserError
from activecharge.files import write_text
from activecharge.records import Candidate, Failure, Label, Prediction

_MAY_CHANGE = {"stop", "executor"}
"""Settings that a resumed campaign may change: none of them alters what is already done."""


@dataclass(frozen=True)
class Chosen:
    """A candidate that a round labels, with what the committee said of it, if there was one.

    `why` is "initial", "uncertain" or "control"; `score` and `worst` are as in
    `activecharge.records.Scored`.
    """

    candidate: Candidate
    why: str
    prediction: Prediction | None = None
    score: float | None = None
    worst: dict[str, float] | None = None


class LabelStore:
    """Labels by content hash, one file each; and, likewise, what could not be labelled.

    Writing is atomic and says the same however often it is done, so any process may do it.
    """

    def __init__(self, root: Path):
        self.labels, self.quarantine = root / "labels", root / "quarantine"

    def put(self, result: Label | Failure) -> None:
        """Keep a label, or a failure with its reason."""
        name = result.candidate.hash
        if isinstance(result, Label):
            write_labels(self.labels / f"{name}.extxyz", [result])
        else:
            frame = candidate_to_atoms(result.candidate)
            frame.info["reason"] = result.reason
            write_frames(self.quarantine / f"{name}.extxyz", [frame])

    def get(self, name: str) -> Label | Failure | None:
        """What is known of a content hash; None if it was never tried to the end."""
        if (path := self.labels / f"{name}.extxyz").exists():
            return read_labels(path)[0]
        if (path := self.quarantine / f"{name}.extxyz").exists():
            [(_, frame)] = read_frames(path)
            return Failure(candidate_from_atoms(frame), str(frame.info["reason"]))
        return None


class RoundFolder:
    """The files of one round, or of the test set; each is there whole or not at all."""

    def __init__(self, path: Path):
        self.path = path
        self.candidates = path / "candidates.extxyz"
        self.selection = path / "selection.extxyz"
        self.members = path / "members"
        self.test_errors = path / "test_errors.json"
        self.test_pairs = path / "test_predictions.extxyz"

    def write_selection(self, chosen: Sequence[Chosen]) -> None:
        """Keep what is labelled in this round, in order."""
        frames = []
        for item in chosen:
            frame = candidate_to_atoms(item.candidate)
            frame.info["chosen"] = item.why
            if item.prediction is not None:
                frame.info["score"] = item.score
                frame.info["worst"] = json.dumps(item.worst)
                put_prediction(frame, item.prediction)
            frames.append(frame)
        write_frames(self.selection, frames)

    def read_selection(self) -> list[Chosen]:
        """What `write_selection` kept; empty before."""
        if not self.selection.exists():
            return []
        chosen = []
        for where, frame in read_frames(self.selection):
            scored = "score" in frame.info
            worst = frame.info.get("worst")
            chosen.append(
                Chosen(
                    candidate=candidate_from_atoms(frame),
                    why=str(frame.info["chosen"]),
                    prediction=take_prediction(frame, where) if scored else None,
                    score=float(frame.info["score"]) if scored else None,
                    worst=json.loads(worst) if isinstance(worst, str) else worst,
                )
            )
        return chosen

    def read_test_errors(self) -> dict[str, Any]:
        """Errors on the fixed test set, as `activecharge.report.metrics.errors` gives them."""
        if not self.test_errors.exists():
            return {}
        return json.loads(self.test_errors.read_text(encoding="utf-8"))

    def write_candidates(self, candidates: Sequence[Candidate]) -> None:
        """Keep what exploration found."""
        write_candidates(self.candidates, candidates)

    def read_candidates(self) -> list[Candidate]:
        """What exploration found."""
        return read_candidates(self.candidates)


class RunDirectory:
    """A campaign on disk, which is all there is to know of it."""

    def __init__(self, path: Path, campaign: Campaign):
        self.path = path
        self.campaign = campaign
        self.journal = Journal(path / "journal.jsonl")
        self.labels = LabelStore(path)
        self.committee = path / "committee"
        self.dataset = path / "dataset"
        self.report = path / "report"

    @classmethod
    def open(cls, path: Path | str) -> "RunDirectory":
        """An existing run directory, to look at."""
        path = Path(path).absolute()
        if not (path / "campaign.yaml").exists():
            raise UserError(
                f"{path}: not a run directory (no campaign.yaml); "
                "give the folder that `activecharge run` printed"
            )
        return cls(path, load_campaign(path / "campaign.yaml"))

    @classmethod
    @contextmanager
    def writing(cls, path: Path | str, campaign: Campaign) -> Iterator["RunDirectory"]:
        """A new or existing run directory, locked for this process.

        Raises
        ------
        UserError
            If it cannot be written, is in use, or belongs to a different campaign.
        """
        path = Path(path).absolute()
        try:
            path.mkdir(parents=True, exist_ok=True)
            lock = (path / "run.lock").open("a+")
        except OSError as error:
            raise UserError(
                f"{path}: cannot be written ({error.strerror}); choose another --run-dir"
            ) from error
        with lock:
            # The kernel drops the lock with the process, however that ends: no stale locks.
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as error:
                lock.seek(0)
                owner = lock.read().strip() or "another process"
                raise UserError(
                    f"{path}: a campaign is running here ({owner}); "
                    "wait for it, stop it, or choose another --run-dir"
                ) from error
            lock.truncate(0)
            lock.write(f"process {os.getpid()} on {socket.gethostname()}\n")
            lock.flush()
            run = cls(path, campaign)
            run._claim()
            yield run

    def _claim(self) -> None:
        file = self.path / "campaign.yaml"
        if file.exists():
            before, now = (c.model_dump() for c in (load_campaign(file), self.campaign))
            changed = [k for k in now if now[k] != before[k] and k not in _MAY_CHANGE]
            if changed:
                raise UserError(
                    f"{self.path}: holds a campaign with other settings ({', '.join(changed)}); "
                    "restore them to resume it, or choose another --run-dir"
                )
        write_text(file, dump_campaign(self.campaign))

    def in_use(self) -> bool:
        """Whether a process is running this campaign."""
        try:
            with (self.path / "run.lock").open() as lock:
                fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except FileNotFoundError:
            return False
        except BlockingIOError:
            return True
        return False

    def round(self, number: int) -> RoundFolder:
        """Folder of a round, counted from 0."""
        return RoundFolder(self.path / "rounds" / f"{number:02d}")

    @property
    def test(self) -> RoundFolder:
        """Folder of the fixed test set."""
        return RoundFolder(self.path / "test")

    def rounds(self) -> int:
        """How many rounds have chosen what to label."""
        number = 0
        while self.round(number).selection.exists():
            number += 1
        return number

    def chosen_labels(self, rounds: int) -> list[tuple[int, Chosen, Label]]:
        """The dataset: (round, choice, label) of the first `rounds` rounds, in order."""
        dataset = []
        for number in range(rounds):
            for item in self.round(number).read_selection():
                label = self.labels.get(item.candidate.hash)
                if isinstance(label, Label):
                    dataset.append((number, item, label))
        return dataset

    def test_labels(self) -> list[Label]:
        """Labels of the fixed test set."""
        found = (self.labels.get(c.candidate.hash) for c in self.test.read_selection())
        return [label for label in found if isinstance(label, Label)]

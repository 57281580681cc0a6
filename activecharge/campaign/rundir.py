"""A run directory: where everything lies, and who may write."""

import fcntl
import json
import math
import os
import socket
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

from activecharge.campaign.config import Campaign, dump_campaign, load_campaign
from activecharge.campaign.journal import Journal
from activecharge.campaign.store import LabelStore
from activecharge.campaign.strict import strict
from activecharge.dataset.candidates import (
    candidate_from_atoms,
    candidate_to_atoms,
    read_candidates,
    write_candidates,
)
from activecharge.dataset.frames import read_frames, write_frames
from activecharge.dataset.predictions import put_prediction, take_prediction
from activecharge.errors import UserError
from activecharge.files import write_json, write_text
from activecharge.records import Candidate, Label, Prediction

_MAY_CHANGE = {"stop", "executor"}
"""Settings that a resumed campaign may change: none of them alters what is already done."""


@dataclass(frozen=True)
class Chosen:
    """A candidate that a round labels, with what the committee said of it.

    `why` is "initial", "uncertain" or "control"; `score` and `worst` are as in
    `activecharge.records.Scored`. They and `prediction` are None where there was no committee,
    or what it said was not a finite number.
    """

    candidate: Candidate
    why: str
    prediction: Prediction | None = None
    score: float | None = None
    worst: dict[str, float] | None = None


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

    def write_test_errors(self, errors: dict[str, Any]) -> None:
        """Keep errors on the fixed test set, see `activecharge.report.metrics.errors`."""
        write_json(self.test_errors, strict(errors))

    def read_test_errors(self) -> dict[str, Any]:
        """What `write_test_errors` kept; empty before."""
        if not self.test_errors.exists():
            return {}
        try:
            return json.loads(self.test_errors.read_bytes(), object_hook=_with_nan)
        except ValueError as error:
            raise UserError(
                f"{self.test_errors}: not valid JSON; delete it and run again"
            ) from error

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
        run = cls(Path(path).absolute(), campaign)
        with run._lock() as lock:
            run._check_same()
            lock.truncate(0)
            lock.write(f"process {os.getpid()} on {socket.gethostname()}\n")
            lock.flush()
            # What a killed process was about to write; nobody else writes here now.
            for leftover in run.path.rglob(".tmp-*"):
                leftover.unlink(missing_ok=True)
            write_text(run.path / "campaign.yaml", dump_campaign(campaign))
            yield run

    @contextmanager
    def _lock(self) -> Iterator[TextIO]:
        """Hold `run.lock`. The kernel drops it with the process, however that ends."""
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            lock = (self.path / "run.lock").open("a+")
        except OSError as error:
            raise UserError(
                f"{self.path}: cannot be written ({error.strerror}); choose another --run-dir"
            ) from error
        with lock:
            for patience in (True, True, True, False):
                try:
                    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    break
                except BlockingIOError as error:
                    if patience:  # `in_use` of another process holds it for a moment
                        time.sleep(0.1)
                        continue
                    lock.seek(0)
                    owner = lock.read().strip() or "another process"
                    raise UserError(
                        f"{self.path}: a campaign is running here ({owner}); "
                        "wait for it, stop it, or choose another --run-dir"
                    ) from error
            yield lock

    def _check_same(self) -> None:
        """Refuse to go on with a campaign under other settings."""
        file = self.path / "campaign.yaml"
        if file.exists():
            before, now = (c.model_dump() for c in (load_campaign(file), self.campaign))
            changed = [k for k in now if now[k] != before[k] and k not in _MAY_CHANGE]
            if changed:
                raise UserError(
                    f"{self.path}: holds a campaign with other settings ({', '.join(changed)}); "
                    "restore them to resume it, or choose another --run-dir"
                )

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


def _with_nan(entry: dict[str, Any]) -> dict[str, Any]:
    """Undo `strict` for errors, which are numbers always."""
    return {k: math.nan if v is None and k in ("mae", "rmse") else v for k, v in entry.items()}

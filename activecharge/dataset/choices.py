"""Chosen candidates as extxyz frames, and back, with why they were chosen and what was said."""

import json
from collections.abc import Sequence
from pathlib import Path

from activecharge.dataset.candidates import candidate_from_atoms, candidate_to_atoms, read_mapping
from activecharge.dataset.frames import read_frames, write_frames
from activecharge.dataset.predictions import put_prediction, take_prediction
from activecharge.records import Choice
from activecharge.strict_json import strict


def write_choices(path: Path | str, choices: Sequence[Choice]) -> Path:
    """Write chosen candidates to an extxyz file, atomically, in their order."""
    frames = []
    for choice in choices:
        frame = candidate_to_atoms(choice.candidate)
        frame.info["chosen"] = choice.why
        if choice.committee is not None:
            frame.info["committee"] = choice.committee
        if choice.prediction is not None:
            frame.info["score"] = choice.score
            frame.info["worst"] = json.dumps(choice.worst)
            frame.info["cause"] = json.dumps(strict(choice.cause))
            put_prediction(frame, choice.prediction)
        frames.append(frame)
    return write_frames(path, frames)


def read_choices(path: Path | str) -> list[Choice]:
    """Read what `write_choices` wrote; descriptors are not stored and come back empty."""
    choices = []
    for where, frame in read_frames(path):
        scored = "score" in frame.info
        choices.append(
            Choice(
                candidate=candidate_from_atoms(frame),
                why=str(frame.info["chosen"]),
                prediction=take_prediction(frame, where) if scored else None,
                score=float(frame.info["score"]) if scored else None,
                worst=read_mapping(frame.info.get("worst")),
                cause=read_mapping(frame.info.get("cause")),
                committee=frame.info.get("committee"),
            )
        )
    return choices

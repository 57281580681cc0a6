"""What a committee says of frames, how far it is off, and which frames it would have labelled."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from activecharge.campaign.loop.selecting import rate
from activecharge.campaign.standalone.frames_of import Frames, candidates_of, labels_of
from activecharge.committee.committee import Committee
from activecharge.committee.selection.choose import select as choose
from activecharge.committee.selection.selection_options import SelectionOptions
from activecharge.dataset.choices import write_choices
from activecharge.dataset.predictions import write_predictions
from activecharge.files import check_not_input
from activecharge.records import Choice, Label, Prediction
from activecharge.report.metrics import PropertyErrors, errors


def predict(
    committee: Committee | Path | str,
    frames: Frames,
    out: Path | str | None = None,
    device: str = "cpu",
) -> list[Prediction]:
    """Predict energies, forces, charges and Born effective charges, each with its spread.

    Parameters
    ----------
    committee : Committee or path-like
        A committee, its folder, a run directory, or a packed file.
    frames : path-like or sequence of ase.Atoms
    out : path-like, optional
        extxyz file to write.
    device : str
        torch device, where the committee is given by a folder.

    Returns
    -------
    list of Prediction
        In the order of the frames.
    """
    check_not_input(out, frames)
    members = Committee.opened(committee, device)
    pool = [candidate.atoms for candidate in candidates_of(frames, members.elements)]
    predictions = members.predict(pool)
    if out is not None:
        write_predictions(out, pool, predictions)
    return predictions


def evaluate(
    committee: Committee | Path | str,
    labelled: Path | str | Sequence[Label],
    device: str = "cpu",
) -> dict[str, PropertyErrors]:
    """Errors of a committee on labelled frames, see `activecharge.report.metrics.errors`.

    Parameters
    ----------
    committee, device
        As in `predict`.
    labelled : path-like or sequence of Label
        Labelled extxyz file, or labels.
    """
    members = Committee.opened(committee, device)
    labels = labels_of(labelled, members.elements)
    return errors(labels, members.predict([label.candidate.atoms for label in labels]))


def select(
    committee: Committee | Path | str,
    pool: Frames,
    out: Path | str | None = None,
    options: SelectionOptions | None = None,
    seed: int = 0,
    device: str = "cpu",
) -> list[Choice]:
    """Select the frames of a pool that are most worth labelling.

    Parameters
    ----------
    committee, device
        As in `predict`.
    pool : path-like or sequence of ase.Atoms
    out : path-like, optional
        extxyz file to write, each frame with why it was chosen and what the committee says of it.
    options : SelectionOptions, optional
    seed : int
        Of the share that is drawn at random.

    Returns
    -------
    list of Choice
        Those of the strategy, the first choice first, then those drawn at random.
    """
    check_not_input(out, pool)
    members, options = Committee.opened(committee, device), options or SelectionOptions()
    candidates = candidates_of(pool, members.elements)
    predictions = members.predict([candidate.atoms for candidate in candidates])
    scored = rate(candidates, predictions, options)
    choices = choose(scored, options, np.random.default_rng(seed))
    if out is not None:
        write_choices(out, choices)
    return choices

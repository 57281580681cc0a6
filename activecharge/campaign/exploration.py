"""Where a campaign's configurations come from: the test set, the first frames, each round's
candidates."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np
from ase import Atoms

from activecharge.campaign.rounds import Chosen
from activecharge.campaign.rundir import RunDirectory
from activecharge.records import Candidate
from activecharge.sampling.sieve import Sieve, draw
from activecharge.sampling.source_options import DynamicsOptions


def draw_test(run: RunDirectory) -> list[Candidate]:
    """The configurations of the fixed test set; drawn once."""
    if not run.test.selection.exists():
        sieve, rng = Sieve(run.campaign.sanity), random(run, 0, "test")
        drawn = [c for s in run.campaign.test for c in _draw(run, s, rng, sieve, [])]
        run.test.write_selection([Chosen(candidate, "test") for candidate in drawn])
    return [item.candidate for item in run.test.read_selection()]


def draw_initial(run: RunDirectory) -> list[Candidate]:
    """Choose the frames that the campaign starts from; all that the label budget allows."""
    sieve, rng = _sieve(run, 0), random(run, 0, "initial")
    drawn = [c for s in run.campaign.initial for c in _draw(run, s, rng, sieve, [])]
    drawn = drawn[: run.campaign.stop.labels]
    run.round(0).write_selection([Chosen(candidate, "initial") for candidate in drawn])
    return drawn


def gather(
    run: RunDirectory, number: int, known: Sequence[Atoms], walks: Sequence[Sequence[Any]]
) -> tuple[list[Candidate], str]:
    """Keep a round's candidates: those that are sane and were never seen before.

    Parameters
    ----------
    run : RunDirectory
    number : int
        The round.
    known : sequence of ase.Atoms
        Labelled frames.
    walks : sequence of sequences of sampling.dynamics.Walk
        Of each source of dynamics, in order.

    Returns
    -------
    list of Candidate, str
        And a line for people.
    """
    folder = run.round(number)
    if folder.candidates.exists():
        found = folder.read_candidates()
        return found, f"{len(found)} candidates, found before"
    sieve = _sieve(run, number)
    stopped: Counter[str] = Counter()
    walked = iter(walks)
    found = []
    for index, source in enumerate(run.campaign.explore):
        if not isinstance(source, DynamicsOptions):
            rng = random(run, number, "explore", index)
            found += _draw(run, source, rng, sieve, known)
            continue
        for walk in next(walked):
            stopped.update(walk.stopped)
            admitted = [sieve.admit(f, source.kind, dict(f.info)) for f in walk.frames]
            found += [candidate for candidate in admitted if candidate is not None]
    folder.write_candidates(found)
    run.journal.append("explored", round=number, refused=dict(sieve.refused), stopped=dict(stopped))
    text = counts_text(Counter(candidate.source for candidate in found)) or "no candidates"
    text += f"; refused: {counts_text(sieve.refused)}" if sieve.refused else ""
    text += f"; walkers stopped: {counts_text(stopped)}" if stopped else ""
    return found, text


def random(run: RunDirectory, number: int, purpose: str, index: int = 0) -> np.random.Generator:
    """Random numbers of one purpose, the same whenever and wherever it is taken up."""
    return np.random.default_rng([run.campaign.seed, number, index, *purpose.encode()])


def counts_text(counter: Counter[str]) -> str:
    """Such as "3 uncertain, 1 control"."""
    return ", ".join(f"{count} {kind}" for kind, count in counter.items())


def _sieve(run: RunDirectory, number: int) -> Sieve:
    """A sieve that knows the test set and all that former rounds chose, labelled or not."""
    sieve = Sieve(run.campaign.sanity)
    for folder in (run.test, *(run.round(former) for former in range(number))):
        for item in folder.read_selection():
            sieve.remember(item.candidate.atoms)
    return sieve


def _draw(run: RunDirectory, source, rng, sieve: Sieve, known) -> list[Candidate]:
    return list(draw(source, rng, elements=run.campaign.elements, known=known, sieve=sieve))

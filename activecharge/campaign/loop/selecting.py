"""Which candidates a round labels: predicted, scored, chosen."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import islice

import numpy as np
from ase import Atoms

from activecharge.campaign.loop.outcomes import Selected, Spreads
from activecharge.campaign.loop.state import CampaignState
from activecharge.campaign.loop.work import CommitteeAtWork, predict
from activecharge.committee.disagreement import score
from activecharge.committee.selection import novelty
from activecharge.committee.selection.choose import select
from activecharge.committee.selection.selection_options import SelectionOptions
from activecharge.execution.dispatcher import Steps, do
from activecharge.execution.resources import NO_PLACE
from activecharge.execution.tasks import WorkGroup
from activecharge.records import Candidate, Choice, Prediction, Scored

FRAMES_PER_ITEM = 64
"""Fixed, so that results do not depend on how many CPUs there are."""


@dataclass(frozen=True)
class Pool:
    """What a round chooses from.

    Attributes
    ----------
    number : int
        The round.
    committee : int
        Round of the committee that scores.
    candidates : sequence of Candidate
    predictions : sequence of Prediction
        Of the candidates.
    known : sequence of Prediction
        Of the frames that are chosen already.
    room : int or None
        Labels that the budget leaves; None for any number.
    """

    number: int
    committee: int
    candidates: Sequence[Candidate]
    predictions: Sequence[Prediction]
    known: Sequence[Prediction]
    room: int | None


def predict_all(
    committee: CommitteeAtWork, *groups: Iterable[Atoms]
) -> Steps[list[list[Prediction]]]:
    """What a committee says of groups of frames, each in its order."""
    chunks = [list(_chunks(group)) for group in groups]
    every = [chunk for group in chunks for chunk in group]
    results = iter((yield from do(WorkGroup(predict, every, committee.slot, committee))))
    return [[said for _ in group for said in next(results)] for group in chunks]


def predict_pool(
    state: CampaignState, number: int, committee: CommitteeAtWork, candidates: Sequence[Candidate]
) -> Steps[Pool]:
    """Have a committee predict a round's candidates, and what is chosen already."""
    known = [row.label.candidate.atoms for row in state.rows()]
    pending = [c.atoms for name, c in state.pending.items() if not state.is_test(name)]
    budget = state.run.campaign.stop.labels
    taken = state.dataset_size + state.dataset_pending
    predictions, said_of_known = yield from predict_all(
        committee, (candidate.atoms for candidate in candidates), known + pending
    )
    room = None if budget is None else budget - taken
    return Pool(number, committee.number, candidates, predictions, said_of_known, room)


def choose_from(state: CampaignState, pool: Pool) -> Steps[tuple[list[Choice], Spreads, Selected]]:
    """Score a pool and keep what the round labels."""
    [found] = yield from do(WorkGroup(choose, [pool], NO_PLACE, state))
    return found


def choose(state: CampaignState, pool: Pool) -> tuple[list[Choice], Spreads, Selected]:
    """Work of `choose_from`. A selection that is on disk stands."""
    folder, options = state.run.round(pool.number), state.run.campaign.selection
    scored = rate(pool.candidates, pool.predictions, options)
    if not folder.selection.exists():
        if pool.room is not None:
            options = options.model_copy(update={"batch": min(options.batch, pool.room)})
        known = np.array([prediction.descriptor for prediction in pool.known])
        rng = state.random(pool.number, "select")
        choices = select(scored, options, rng, known, pool.committee)
        # The selection comes last: where it is, nothing of this is done again.
        folder.write_sources(novelty.tally(scored, choices, known))
        folder.write_selection(choices)
    # As the file has it, so that a campaign that is taken up again goes on alike.
    kept = folder.read_selection()
    whys = dict(Counter(choice.why for choice in kept))
    return kept, _spreads(scored), Selected(whys, len(scored), pool.committee)


def rate(
    candidates: Sequence[Candidate], predictions: Sequence[Prediction], options: SelectionOptions
) -> list[Scored]:
    """Rate candidates by how much a committee disagrees on them, as the options weigh it."""
    return score(candidates, predictions, options.weights.model_dump(), options.reduce)


def _spreads(scored: Sequence[Scored]) -> Spreads:
    names = [n for n in ("charges", "bec") if scored and all(n in x.worst for x in scored)]
    return Spreads({n: float(np.median([found.worst[n] for found in scored])) for n in names})


def _chunks(frames: Iterable[Atoms]) -> Iterable[list[Atoms]]:
    rest = iter(frames)
    while chunk := list(islice(rest, FRAMES_PER_ITEM)):
        yield chunk

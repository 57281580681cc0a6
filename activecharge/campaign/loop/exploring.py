"""Where a campaign's configurations come from: the test set, the first frames, each round's
candidates."""

from collections import Counter
from collections.abc import Sequence

from activecharge.campaign.loop.outcomes import Explored
from activecharge.campaign.loop.state import CampaignState
from activecharge.campaign.loop.walk_starts import walk_starts
from activecharge.campaign.loop.work import CommitteeAtWork, WalkSettings, walk
from activecharge.execution.dispatcher import Steps, do
from activecharge.execution.resources import NO_PLACE
from activecharge.execution.tasks import WorkGroup
from activecharge.records import Candidate, Choice
from activecharge.sampling.dynamics.langevin import Walk
from activecharge.sampling.sieve import Sieve, draw
from activecharge.sampling.source_options import DynamicsOptions, SourceOptions


def draw_test(state: CampaignState) -> None:
    """Draw the configurations of the fixed test set, once."""
    if state.test is None:
        run = state.run
        candidates = _draw(state, run.campaign.test, Sieve(run.campaign.sanity), "test")
        run.test.write_selection([Choice(candidate, "test") for candidate in candidates])
        state.set_test(run.test.read_selection())


def draw_initial(state: CampaignState) -> int:
    """Choose the frames that the campaign starts from, once; all that the label budget allows."""
    if not state.rounds:
        campaign, folder = state.run.campaign, state.run.round(0)
        candidates = _draw(state, campaign.initial, _sieve(state), "initial")
        chosen = candidates[: campaign.stop.labels]
        folder.write_selection([Choice(candidate, "initial") for candidate in chosen])
        state.add_round(folder.read_selection())
    return len(state.rounds[0].choices)


def walk_all(
    state: CampaignState, number: int, committee: CommitteeAtWork
) -> Steps[list[list[Walk]]]:
    """Let the walkers of each source of dynamics run for a round; none where it has candidates."""
    campaign = state.run.campaign
    if state.run.round(number).candidates.exists():
        return []
    known = [row.label.candidate.atoms for row in state.rows()]
    walks = []
    for index, source in enumerate(campaign.explore):
        if isinstance(source, DynamicsOptions):
            rng = state.random(number, "explore", index)
            settings = WalkSettings(committee, source, campaign.sanity)
            starts = walk_starts(campaign, source, known, rng)
            walks.append((yield from do(WorkGroup(walk, starts, committee.slot, settings))))
    return walks


def gather_candidates(
    state: CampaignState, number: int, walks: Sequence[Sequence[Walk]]
) -> Steps[tuple[list[Candidate], Explored]]:
    """Keep a round's candidates: those that are sane and were never seen before.

    Parameters
    ----------
    state : CampaignState
    number : int
        The round.
    walks : sequence of sequences of Walk
        Of each source of dynamics, in order.
    """
    [found] = yield from do(WorkGroup(gather, [(number, walks)], NO_PLACE, state))
    return found


def gather(
    state: CampaignState, item: tuple[int, Sequence[Sequence[Walk]]]
) -> tuple[list[Candidate], Explored]:
    """Work of `gather_candidates`."""
    number, walks = item
    folder = state.run.round(number)
    if folder.candidates.exists():
        found = folder.read_candidates()
        return found, Explored(_by_source(found), before=True)
    known = [row.label.candidate.atoms for row in state.rows()]
    campaign, sieve = state.run.campaign, _sieve(state)
    stopped: Counter[str] = Counter()
    walked = iter(walks)
    found = []
    for index, source in enumerate(campaign.explore):
        if not isinstance(source, DynamicsOptions):
            rng = state.random(number, "explore", index)
            found += draw(source, rng, elements=campaign.elements, known=known, sieve=sieve)
            continue
        for done in next(walked):
            stopped.update(done.stopped)
            admitted = [sieve.admit(f, source.kind, dict(f.info)) for f in done.frames]
            found += [candidate for candidate in admitted if candidate is not None]
    folder.write_candidates(found)
    return found, Explored(_by_source(found), dict(sieve.refused), dict(stopped))


def _by_source(candidates: Sequence[Candidate]) -> dict[str, int]:
    return dict(Counter(candidate.source for candidate in candidates))


def _sieve(state: CampaignState) -> Sieve:
    """A sieve that knows the test set and all that was chosen, labelled or not."""
    sieve = Sieve(state.run.campaign.sanity)
    for choices in (state.test or (), *(found.choices for found in state.rounds)):
        for choice in choices:
            sieve.remember(choice.candidate.atoms)
    return sieve


def _draw(
    state: CampaignState, sources: Sequence[SourceOptions], sieve: Sieve, purpose: str
) -> list[Candidate]:
    """Configurations of sources that need nothing labelled."""
    elements, rng = state.run.campaign.elements, state.random(0, purpose)
    return [c for s in sources for c in draw(s, rng, elements=elements, known=[], sieve=sieve)]

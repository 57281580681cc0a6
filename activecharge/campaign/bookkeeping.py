"""Steps of a streaming campaign that are done on a worker, so that nobody waits for this process.

They are functions of (shared, item), where the item holds the arguments. Each may be repeated: what
is on disk already is not made again.
"""

from typing import Any

from activecharge.campaign import exploration, steps
from activecharge.campaign.rundir import RunDirectory
from activecharge.records import Candidate


def gather(run: RunDirectory, item: tuple[Any, ...]) -> tuple[list[Candidate], str]:
    """Candidates of (round, known frames, walks), see `exploration.gather`."""
    return exploration.gather(run, *item)


def choose(run: RunDirectory, item: tuple[Any, ...]) -> tuple[list[Candidate], str, str]:
    """Rate and choose; item: (round, candidates, predictions, known, room, committee).

    Returns
    -------
    list of Candidate, str, str
        What to label, and a line for people on the rating and on the choice.
    """
    number, candidates, predictions, known, room, committee = item
    folder = run.round(number)
    rated, chosen = "", "chosen before"
    if not folder.selection.exists():
        pool, rated = steps.rate(run, candidates, predictions)
        chosen = steps.choose(run, number, pool, known, room, committee)
    return [item.candidate for item in folder.read_selection()], rated, chosen


def publish(run: RunDirectory, number: int) -> None:
    """Put the dataset and the committee of a round where users look for them."""
    steps.export_dataset(run, run.dataset / "data.xyz")
    steps.publish(run, number)


def judge(run: RunDirectory, item: tuple[Any, ...]) -> str:
    """Errors of (round, predictions) on the test set, see `steps.judge`."""
    return steps.judge(run, *item)


def report(run: RunDirectory, reason: str) -> str:
    """Write the report of what there is up to now."""
    from activecharge.campaign.summary import campaign_summary
    from activecharge.report.campaign.page import write_report

    return str(write_report(campaign_summary(run, reason), run.report)[0][0])

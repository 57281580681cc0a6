"""What comes of labels: each is journalled, failures are kept, and too many of them end it all."""

from collections.abc import Hashable

from activecharge.campaign.loop.outcomes import FrameFailed, Listener, Working
from activecharge.campaign.loop.state import CampaignState
from activecharge.campaign.loop.work import LabelSettings, label
from activecharge.errors import UserError
from activecharge.execution.dispatcher import Dispatcher
from activecharge.execution.executor import Executor
from activecharge.execution.tasks import Lost, WorkGroup
from activecharge.records import Candidate, Failure, Label, Missing
from activecharge.reference.failure import too_many
from activecharge.reference.waiting import outputs_missing


class Labelling:
    """Takes in what label workers bring to a campaign.

    Parameters
    ----------
    state : CampaignState
    tell : callable
        Told of frames that failed.
    """

    def __init__(self, state: CampaignState, tell: Listener):
        self._state, self._tell = state, tell
        self._missing: dict[str, Missing] = {}
        self._tried, self._failures = state.run.labels.history()

    @property
    def group(self) -> WorkGroup[LabelSettings, Candidate, Label | Failure]:
        """How labels are made."""
        campaign, path = self._state.run.campaign, self._state.run.path
        slot = campaign.executor.label_slot
        settings = LabelSettings(
            reference=campaign.reference,
            gates=campaign.gates,
            threads=slot.cpus,
            store=path,
            failed=path / "failed",
        )
        return WorkGroup(label, (), slot, settings)

    def keep(self, key: Hashable, result: Label | Failure | Lost) -> None:
        """Take one result in.

        Raises
        ------
        OutputsMissing
            If labels are made outside of the program, and all that are there were taken in.
        UserError
            If a larger share of all labels so far failed than the reference is allowed.
        """
        state, run, name = self._state, self._state.run, str(key)
        if isinstance(result, Lost):
            result = Failure(state.pending[name], result.reason)
        if isinstance(result, Missing):
            self._missing[name] = result
        else:
            self._take(name, result)
        # Once all others are in, nothing can go on without somebody outside.
        if self._missing and len(self._missing) == len(state.pending):
            raise outputs_missing(run.campaign.reference, list(self._missing.values()))

    def _take(self, name: str, result: Label | Failure) -> None:
        """Take in a label or a failure."""
        state, run = self._state, self._state.run
        self._tried += 1
        if isinstance(result, Label):
            state.keep(result)
            run.journal.append("labelled", hash=name)
            return
        run.labels.put(result)
        state.keep(result)
        self._failures.append(result)
        self._tell(FrameFailed(result))
        run.journal.append("quarantined", hash=name, reason=result.reason)
        share = run.campaign.reference.max_failed_share
        if reason := too_many(self._failures, self._tried, share):
            raise UserError(f"{reason}, delete {run.labels.quarantine} and run again to retry")


def label_waiting(state: CampaignState, executor: Executor, tell: Listener) -> None:
    """Label all that waits, and nothing else."""
    labelling, dispatcher = Labelling(state, tell), Dispatcher(executor)
    dispatcher.open("label", labelling.group, state.waiting, labelling.keep)
    while dispatcher.turn():
        tell(Working(dispatcher.loads()))


def no_labels(state: CampaignState, group: str) -> UserError:
    """The sentence for a campaign none of whose frames under `group` has a label."""
    run = state.run
    return UserError(
        f"{run.path}: not one {group} configuration got a label; read why in "
        f"{run.labels.quarantine}, mend the reference and start in a new run directory"
    )

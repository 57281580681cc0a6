"""What comes of labels: each is journalled, failures are kept, and too many of them end it all."""

from activecharge.campaign import work
from activecharge.campaign.console import Console
from activecharge.campaign.executor import Lost
from activecharge.campaign.resources import Slot
from activecharge.campaign.rundir import RunDirectory
from activecharge.errors import UserError
from activecharge.records import Candidate, Failure, Label
from activecharge.reference.failure import too_many


class Labelling:
    """Takes in what label workers bring to a campaign.

    Parameters
    ----------
    run : RunDirectory
    console : Console
    """

    def __init__(self, run: RunDirectory, console: Console):
        self.run, self.console = run, console
        options = run.campaign.executor
        self.slot = Slot(
            cpus=options.label_cpus,
            memory=options.label_memory or 0.0,
            custom=tuple(sorted(options.label_resources.items())),
        )
        self.shared = work.LabelWork(
            reference=run.campaign.reference,
            gates=run.campaign.gates,
            threads=self.slot.cpus,
            store=run.path,
            failed=run.path / "failed",
        )
        self._tried, self._failures = run.labels.history()

    def keep(self, candidate: Candidate, result: Label | Failure | Lost) -> Label | Failure:
        """Take one result in.

        Raises
        ------
        UserError
            If a larger share of all labels so far failed than the reference is allowed.
        """
        run = self.run
        if isinstance(result, Lost):
            result = Failure(candidate, result.reason)
        self._tried += 1
        if isinstance(result, Label):
            run.journal.append("labelled", hash=candidate.hash)
            return result
        run.labels.put(result)
        self._failures.append(result)
        self.console.failed(result)
        run.journal.append("quarantined", hash=candidate.hash, reason=result.reason)
        share = run.campaign.reference.max_failed_share
        if reason := too_many(self._failures, self._tried, share):
            raise UserError(f"{reason}, delete {run.labels.quarantine} and run again to retry")
        return result

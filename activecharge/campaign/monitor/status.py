"""Where a campaign stands, read from its run directory alone."""

from dataclasses import dataclass

from activecharge.campaign.disk.run_directory import RunDirectory
from activecharge.report.metrics import PropertyErrors, errors_to_json, mean_absolute
from activecharge.texts import headline


@dataclass(frozen=True)
class Status:
    """A campaign at one moment.

    Attributes
    ----------
    name, run_dir : str
    state : str
        "running", "finished" or "interrupted".
    stop_reason : str
        Why it ended; empty while it has not.
    rounds : int
        Selections made.
    labels : int
        Labels in the dataset.
    label_budget : int or None
    pending, quarantined : int
        Chosen frames that wait for a label, and that could not be labelled.
    test_labels : int
    test_errors : dict of str to PropertyErrors
        Of the newest committee that was tested, see `activecharge.report.metrics.errors`.
    last_event : dict
        Of the journal.
    """

    name: str
    run_dir: str
    state: str
    stop_reason: str
    rounds: int
    labels: int
    label_budget: int | None
    pending: int
    quarantined: int
    test_labels: int
    test_errors: dict[str, PropertyErrors]
    last_event: dict[str, object]

    def to_json(self) -> dict[str, object]:
        """The same as JSON-able data."""
        return vars(self) | {"test_errors": errors_to_json(self.test_errors)}


def status(run: RunDirectory) -> Status:
    """Where a campaign stands."""
    events = run.journal.events()
    last = events[-1] if events else {}
    rounds = run.rounds()
    # Names alone tell: thousands of labels are counted in a moment, but not read.
    labelled, failed = run.labels.names()
    asked = [name for n in range(rounds) for name in run.round(n).read_hashes()]
    tested = [run.round(n).read_test_errors() for n in range(rounds)]
    stopped = str(last.get("reason", "")) if last.get("event") == "stopped" else ""
    return Status(
        name=run.campaign.name,
        run_dir=str(run.path),
        state="finished" if stopped else "running" if run.in_use() else "interrupted",
        stop_reason=stopped,
        rounds=rounds,
        labels=sum(name in labelled for name in asked),
        label_budget=run.campaign.stop.labels,
        pending=sum(name not in labelled and name not in failed for name in asked),
        quarantined=sum(name in failed and name not in labelled for name in asked),
        test_labels=sum(name in labelled for name in run.test.read_hashes()),
        test_errors=next((errors for errors in reversed(tested) if errors), {}),
        last_event=last,
    )


def status_text(found: Status) -> str:
    """The same for people."""
    reason = f" ({found.stop_reason})" if found.stop_reason else ""
    budget = f" of {found.label_budget}" if found.label_budget else ""
    lines = [
        f"{found.name}: {found.state}{reason}",
        f"  directory    {found.run_dir}",
        f"  rounds       {found.rounds}",
        f"  labels       {found.labels}{budget}, {found.pending} pending, "
        f"{found.quarantined} quarantined, {found.test_labels} held out for the test",
    ]
    if found.test_errors:
        lines.append(f"  test MAE     {headline(mean_absolute(found.test_errors))}")
    if event := found.last_event:
        what = event.get("stage", event["event"])
        lines.append(f"  last event   {what} at {event['time']}")
    return "\n".join(lines)

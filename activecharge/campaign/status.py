"""Where a campaign stands, read from its run directory alone."""

from typing import Any

from activecharge.campaign.rundir import RunDirectory
from activecharge.report.metrics import errors_from_json, errors_to_json, mean_absolute
from activecharge.texts import headline


def status(run: RunDirectory) -> dict[str, Any]:
    """Where a campaign stands, as JSON-able data."""
    events = run.journal.events()
    last = events[-1] if events else {}
    rounds = run.rounds()
    # Names alone tell: thousands of labels are counted in a moment, but not read.
    labelled, failed = run.labels.names()
    asked = [name for n in range(rounds) for name in run.round(n).read_hashes()]
    tested = [run.round(n).read_test_errors() for n in range(rounds)]
    stopped = last.get("reason", "") if last.get("event") == "stopped" else ""
    return {
        "name": run.campaign.name,
        "run_dir": str(run.path),
        "state": "finished" if stopped else "running" if run.in_use() else "interrupted",
        "stop_reason": stopped,
        "rounds": rounds,
        "labels": sum(name in labelled for name in asked),
        "label_budget": run.campaign.stop.labels,
        "pending": sum(name not in labelled and name not in failed for name in asked),
        "quarantined": sum(name in failed and name not in labelled for name in asked),
        "test_labels": sum(name in labelled for name in run.test.read_hashes()),
        "test_errors": errors_to_json(next((errors for errors in reversed(tested) if errors), {})),
        "last_event": last,
    }


def status_text(facts: dict[str, Any]) -> str:
    """The same for people."""
    lines = [
        f"{facts['name']}: {facts['state']}"
        + (f" ({facts['stop_reason']})" if facts["stop_reason"] else ""),
        f"  directory    {facts['run_dir']}",
        f"  rounds       {facts['rounds']}",
        f"  labels       {facts['labels']}"
        + (f" of {facts['label_budget']}" if facts["label_budget"] else "")
        + f", {facts['pending']} pending, {facts['quarantined']} quarantined, "
        f"{facts['test_labels']} held out for the test",
    ]
    if facts["test_errors"]:
        errors = errors_from_json(facts["test_errors"])
        lines.append(f"  test MAE     {headline(mean_absolute(errors))}")
    if facts["last_event"]:
        event = facts["last_event"]
        what = event.get("stage", event["event"])
        lines.append(f"  last event   {what} at {event['time']}")
    return "\n".join(lines)

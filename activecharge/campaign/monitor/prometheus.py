"""A campaign's numbers for Prometheus, through Ray; only where Ray runs."""

from collections import defaultdict
from collections.abc import Mapping

from activecharge.campaign.disk.run_directory import RunDirectory
from activecharge.campaign.monitor.console import last_entry
from activecharge.campaign.monitor.progress import newest_training
from activecharge.execution.execution_log import Fact, LoadLine

GAUGES = {
    "labels_done": ("Labels in the run directory.", ()),
    "labels_failed": ("Configurations that could not be labelled.", ()),
    "pieces_running": ("Items of work on workers; kind `label` is labels in flight.", ("kind",)),
    "pieces_waiting": ("Items of work that wait for a place.", ("kind",)),
    "resources_used": ("What work holds of each resource of Ray.", ("resource",)),
    "resources_total": ("What the nodes have of it.", ("resource",)),
    "training_loss": ("Loss over a member's last training steps.", ("member",)),
    "validation_loss": ("Loss on a member's validation set.", ("member",)),
}
"""Name without prefix: description and tags. All are gauges, since a campaign may be resumed."""


class Metrics:
    """Listens to the execution log, and at each line on the load sets Ray's gauges.

    What has happened is read from the run directory, so that the numbers of a campaign are the
    same however often it was interrupted.

    Parameters
    ----------
    run : RunDirectory
    """

    def __init__(self, run: RunDirectory):
        from ray.util.metrics import Gauge

        self._run = run
        self._gauges = {
            name: Gauge(f"activecharge_{name}", text, ("campaign", *tags))
            for name, (text, tags) in GAUGES.items()
        }
        self._seen: defaultdict[str, set[str]] = defaultdict(set)
        for gauge in self._gauges.values():
            gauge.set_default_tags({"campaign": run.campaign.name})

    def __call__(self, fact: Fact) -> None:
        """Take a fact."""
        if not isinstance(fact, LoadLine):
            return
        labelled, failed = self._run.labels.names()
        self._gauges["labels_done"].set(len(labelled))
        self._gauges["labels_failed"].set(len(failed - labelled))
        self._set("pieces_running", "kind", fact.running)
        self._set("pieces_waiting", "kind", fact.waiting)
        self._set("resources_used", "resource", fact.used)
        self._set("resources_total", "resource", fact.total)
        number = newest_training(self._run)
        folder = self._run.round(number or 0).members
        for path in sorted(folder.glob("member-*")):
            if entry := last_entry(path):
                member = {"member": path.name}
                self._gauges["training_loss"].set(entry["train_loss"], member)
                self._gauges["validation_loss"].set(entry["valid_loss"], member)

    def _set(self, name: str, tag: str, values: Mapping[str, float]) -> None:
        self._seen[name] |= values.keys()
        for key in self._seen[name]:  # what has ended would stand for ever
            self._gauges[name].set(values.get(key, 0), {tag: key})

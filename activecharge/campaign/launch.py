"""Start a campaign in a run directory and tell at its end what it brought."""

from pathlib import Path

from activecharge.campaign.disk.run_directory import RunDirectory
from activecharge.campaign.loop.loop import run_loop
from activecharge.campaign.monitor.console import Console
from activecharge.campaign.monitor.prometheus import Metrics
from activecharge.campaign.monitor.status import Status, status
from activecharge.campaign.precheck import precheck
from activecharge.campaign.settings.campaign_options import Campaign
from activecharge.campaign.settings.reading import load_campaign
from activecharge.dataset.manifest import versions
from activecharge.execution.execution_log import ExecutionLog
from activecharge.execution.opening import open_executor
from activecharge.model.coulomb.convergence import converge
from activecharge.report.error_table import error_table, too_little

MEANINGS = {
    "campaign.yaml": "the campaign with every default written out",
    "dataset/data.xyz": "all labels with provenance and split; beside it one file a split",
    "dataset/data.manifest.json": "checksums, counts, units and package versions",
    "committee": "the last committee: `activecharge predict`, `Committee.load`",
    "report/report.html": "learning curve, parity, disagreement, selection, time",
    "labels": "every label by content hash",
    "quarantine": "what could not be labelled, and why",
    "failed": "input and output of failed reference runs",
    "rounds": "candidates, selection and members of each round",
    "journal.jsonl": "what happened when",
    "facts.jsonl": "which item of work ran when, where and for how long",
}


def run(
    campaign: Campaign | Path | str, directory: Path | str | None = None, quiet: bool = True
) -> Status:
    """Run a campaign, or resume it where an earlier run of it stopped.

    Parameters
    ----------
    campaign : Campaign or path-like
        Settings, or the YAML file that holds them.
    directory : path-like, optional
        Run directory; default `runs/<name>`.
    quiet : bool
        Print nothing.

    Returns
    -------
    Status
        At its end.

    Raises
    ------
    UserError
        If a source of a new campaign is no good, or the directory is in use, cannot be
        written or belongs to another campaign.

    Examples
    --------
    >>> import activecharge  # doctest: +SKIP
    >>> status = activecharge.run("campaigns/smoke.yaml")  # doctest: +SKIP
    >>> status.labels  # doctest: +SKIP
    20
    """
    if not isinstance(campaign, Campaign):
        campaign = load_campaign(campaign)
    folder = Path(directory or Path("runs") / campaign.name)
    precheck(campaign, folder)
    with Console(quiet) as console, RunDirectory.writing(folder, campaign) as opened:
        _greet(opened, console)
        log = ExecutionLog(opened.path / "facts.jsonl")
        with open_executor(campaign.executor.workplace(campaign.cluster), log) as executor:
            log.listeners.append(console.note)
            if campaign.executor.kind == "ray":
                log.listeners.append(Metrics(opened))
            run_loop(opened, executor, console.tell)
    return status(opened)


def closing_words(found: Status) -> str:
    """What a finished campaign brought, for people."""
    path = Path(found.run_dir)
    lines = [f"Stopped: {found.stop_reason}.", ""]
    if found.test_errors:
        lines += [f"The last committee on {found.test_labels} held-out configurations:"]
        lines += [error_table(found.test_errors), ""]
        if words := too_little(found.test_errors):
            lines += [words, ""]
    lines += [path.as_posix()]
    lines += [f"  {name:<28}{text}" for name, text in MEANINGS.items() if (path / name).exists()]
    return "\n".join(lines)


def _greet(opened: RunDirectory, console: Console) -> None:
    """Say what goes on, and with what."""
    campaign, used = opened.campaign, versions()
    opened.journal.append("started", versions=used)
    console.line(f"{campaign.name}: {'resumed' if opened.rounds() else 'new'} in {opened.path}")
    console.line(", ".join(f"{name} {version}" for name, version in used.items()))
    sums = converge(campaign.model.cutoff, campaign.model.coulomb_accuracy)
    console.line(f"Coulomb sums: {sums}")

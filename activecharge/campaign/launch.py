"""Start a campaign in a run directory and tell at its end what it brought."""

from pathlib import Path
from typing import Any

from activecharge.campaign.config import Campaign
from activecharge.campaign.console import Console
from activecharge.campaign.crew import Crew
from activecharge.campaign.executor import open_executor
from activecharge.campaign.facts import Facts
from activecharge.campaign.loop import run_campaign, run_streaming
from activecharge.campaign.metrics import Metrics
from activecharge.campaign.precheck import precheck
from activecharge.campaign.rundir import RunDirectory
from activecharge.campaign.status import status
from activecharge.dataset.manifest import versions
from activecharge.model.coulomb.convergence import converge
from activecharge.report.error_table import error_table
from activecharge.report.metrics import errors_from_json

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
    "facts.jsonl": "which piece of work ran when, where and for how long",
}


def launch(campaign: Campaign, directory: Path, quiet: bool = False) -> tuple[dict[str, Any], str]:
    """Run or resume a campaign; returns its final status and the closing words.

    Raises
    ------
    UserError
        If a source of a new campaign is no good, or the directory is in use, cannot be
        written or belongs to another campaign.
    """
    console = Console(quiet)
    precheck(campaign, directory)
    with RunDirectory.writing(directory, campaign) as run:
        used = versions()
        run.journal.append("started", versions=used)
        console.line(f"{campaign.name}: {'resumed' if run.rounds() else 'new'} in {run.path}")
        console.line(", ".join(f"{name} {version}" for name, version in used.items()))
        sums = converge(campaign.model.cutoff, campaign.model.coulomb_accuracy)
        console.line(f"Coulomb sums: {sums}")
        facts = Facts(run.path / "facts.jsonl")
        go_on = run_streaming if campaign.executor.schedule == "streaming" else run_campaign
        with open_executor(campaign.executor, campaign.cluster, facts) as executor:
            facts.listeners.append(console.mishap)
            if campaign.executor.kind == "ray":
                facts.listeners.append(Metrics(run))
            reason = go_on(run, Crew(run, executor, console))
    found = status(run)
    closing = [f"Stopped: {reason}.", ""]
    if found["test_errors"]:
        held_out = found["test_labels"]
        closing += [f"The last committee on {held_out} held-out configurations:"]
        closing += [error_table(errors_from_json(found["test_errors"])), ""]
    closing += [run.path.as_posix()] + [
        f"  {name:<28}{meaning}" for name, meaning in MEANINGS.items() if (run.path / name).exists()
    ]
    return found, "\n".join(closing)

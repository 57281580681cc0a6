"""What is known of a campaign that runs on a cluster as a job."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any

from activecharge.errors import INTERRUPTED


@dataclass(frozen=True)
class Job:
    """A campaign on a cluster.

    Attributes
    ----------
    id : str
    state : str
        pending, running, stopped, succeeded or failed.
    campaign : str
        Name of the campaign.
    run_dir : str
        Its run directory, as the cluster sees it.
    begun : str
        When, in UTC; empty while it waits.
    exit_code : int or None
        Of the campaign's process, where it has ended by itself.
    """

    id: str
    state: str
    campaign: str
    run_dir: str
    begun: str
    exit_code: int | None

    @property
    def over(self) -> bool:
        """Whether it has ended."""
        return self.state in ("stopped", "succeeded", "failed")

    @property
    def code(self) -> int:
        """Exit code for those who waited for it."""
        if self.state == "stopped":
            return INTERRUPTED
        return int(self.state == "failed") and (self.exit_code or 1)


def job_from(details: Any) -> Job:
    """A job as Ray's job server describes it."""
    begun = ""
    if details.start_time:
        moment = datetime.fromtimestamp(details.start_time / 1000, timezone.utc)
        begun = moment.isoformat(timespec="seconds")
    metadata = details.metadata or {}
    return Job(
        id=details.submission_id or details.job_id,
        state=str(details.status.value).lower(),
        campaign=metadata.get("campaign", ""),
        run_dir=metadata.get("run_dir", ""),
        begun=begun,
        exit_code=details.driver_exit_code,
    )


def job_text(jobs: Sequence[Job]) -> str:
    """Jobs for people, one a line."""
    rows = [("JOB", "STATE", "BEGUN", "RUN DIRECTORY")]
    rows += [(job.id, job.state, job.begun, job.run_dir) for job in jobs]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ("  ".join(map(str.ljust, row, widths)).rstrip() for row in rows)
    return "\n".join(lines) if jobs else "no campaigns"

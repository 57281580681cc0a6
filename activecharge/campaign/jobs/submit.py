"""Campaigns as Ray jobs: submit them to a cluster, follow, list and stop them."""

import asyncio
import http.client
import logging
import os
import secrets
import shlex
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timezone
from pathlib import Path

from activecharge.campaign.jobs.job import Job, job_from
from activecharge.campaign.settings.campaign_options import Campaign
from activecharge.campaign.settings.executor_options import ClusterOptions
from activecharge.campaign.settings.reading import dump_campaign
from activecharge.errors import UserError
from activecharge.execution.ray_connection import TOKEN_HINT, ask_for_token
from activecharge.files import write_text

HOME_ADDRESS = "http://127.0.0.1:8265"
"""Where a job server on this machine, or a tunnel to one, listens."""

FILE = "campaign.yaml"

TALKERS = (
    "ray._private.runtime_env.packaging",
    "ray.dashboard.modules.dashboard_sdk",
    "ray.dashboard.modules.job.sdk",
)
"""Loggers of Ray that tell of packages and sockets."""

PATIENCE = 5
"""Lost connections in a row after which a job is no longer followed."""


class JobServer:
    """Ray's job server, which starts campaigns on its cluster.

    Parameters
    ----------
    address : str
        As http://host:8265.

    Raises
    ------
    UserError
        If it does not answer, refuses our token, or takes jobs from anybody.
    """

    def __init__(self, address: str = HOME_ADDRESS):
        if not address.startswith(("http://", "https://")):
            raise UserError(
                f"--address: {address!r} is no address of a job server; give one such as "
                f"{HOME_ADDRESS}"
            )
        self.address = address.rstrip("/")
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
        ask_for_token()
        self._check_closed()
        try:
            import aiohttp
            from ray.job_submission import JobSubmissionClient
        except ImportError as error:
            raise UserError(
                "submit: Ray's job client is not installed; pip install 'ray[default]'"
            ) from error
        self._lost = (OSError, aiohttp.ClientError)  # those of `requests` are OSErrors
        for name in TALKERS:
            logging.getLogger(name).setLevel(logging.WARNING)
        with self._answers():
            self._client = JobSubmissionClient(self.address)

    def submit(self, campaign: Campaign, run_dir: Path) -> Job:
        """Start a campaign on the cluster, or go on with it where an earlier job ended.

        Parameters
        ----------
        campaign : Campaign
            The paths in it must be the cluster's, too.
        run_dir : pathlib.Path
            Absolute, on a file system that all nodes share.
        """
        _check_may_travel(campaign, run_dir)
        there = campaign.model_copy(update={"cluster": ClusterOptions(address="auto")})
        command = ["python", "-m", "activecharge", "run", FILE, "--run-dir", str(run_dir)]
        now = datetime.now(timezone.utc).strftime("%Y%m%d-%H%M%S")
        # The job's working directory is a copy, of this one file and nothing else.
        with tempfile.TemporaryDirectory() as folder:
            write_text(Path(folder) / FILE, dump_campaign(there))
            with self._answers():
                name = self._client.submit_job(
                    entrypoint=shlex.join(command),
                    submission_id=f"{campaign.name}-{now}-{secrets.token_hex(2)}",
                    runtime_env={"working_dir": folder, "env_vars": {"PYTHONUNBUFFERED": "1"}},
                    metadata={"campaign": campaign.name, "run_dir": str(run_dir)},
                )
        return self.job(name)

    def job(self, name: str) -> Job:
        """A job by its id."""
        with self._answers(name):
            return job_from(self._client.get_job_info(name))

    def jobs(self) -> list[Job]:
        """All campaigns that the cluster remembers, oldest first."""
        with self._answers():
            found = self._client.list_jobs()
        ours = [job for job in found if (job.metadata or {}).get("run_dir")]
        return [job_from(job) for job in sorted(ours, key=lambda job: job.start_time or 0)]

    def stop(self, name: str) -> Job:
        """Stop a job and wait until it has ended; submitted again, its campaign goes on."""
        with self._answers(name):
            self._client.stop_job(name)
        while not (job := self.job(name)).over:
            time.sleep(0.5)
        return job

    def follow(self, name: str, say: Callable[[str], object]) -> Job:
        """Hand on what a job prints until it has ended.

        Parameters
        ----------
        name : str
        say : callable
            Takes text as it comes, from the job's first line on.
        """
        seen, lost = 0, 0

        async def relay() -> None:
            nonlocal seen
            position = 0  # each connection begins with the first line
            async for text in self._client.tail_job_logs(name):
                new = text[max(0, seen - position) :]
                position += len(text)
                seen = max(seen, position)
                if new:
                    say(new)

        while True:
            try:
                with self._answers(name):
                    asyncio.run(relay())
                lost = 0
            except UserError:
                lost += 1
                if lost >= PATIENCE:
                    raise
            if (job := self.job(name)).over:
                return job
            time.sleep(1.0)

    def _check_closed(self) -> None:
        """Refuse a server that lets anybody run anything, unless the user asks for it."""
        if os.environ.get("RAY_AUTH_MODE", "").lower() != "token":
            return
        try:
            urllib.request.urlopen(f"{self.address}/api/version", timeout=30).close()
        except urllib.error.HTTPError as error:
            if error.code in (401, 403):
                return
            raise self._silent(error) from error
        except (OSError, ValueError, http.client.HTTPException) as error:
            raise self._silent(error) from error
        raise UserError(
            f"{self.address}: this job server runs the jobs of anybody who reaches it; start its "
            "cluster with RAY_AUTH_MODE=token, or set RAY_AUTH_MODE=disabled to use it as it is"
        )

    def _silent(self, error: Exception) -> UserError:
        return UserError(
            f"{self.address}: no job server of Ray answers there ({str(error)[:120]}); start a "
            "cluster with its dashboard, or open the tunnel to it"
        )

    @contextmanager
    def _answers(self, name: str = "") -> Iterator[None]:
        """Say in one sentence what went wrong with a request."""
        from ray.exceptions import AuthenticationError

        try:
            yield
        except AuthenticationError as error:
            raise UserError(
                f"{self.address}: the token is missing or is not the cluster's; {TOKEN_HINT}"
            ) from error
        except self._lost as error:
            raise self._silent(error) from error
        except RuntimeError as error:
            if name and "does not exist" in str(error):
                raise UserError(
                    f"{self.address}: knows no job {name}; `activecharge jobs` lists them"
                ) from error
            raise UserError(f"{self.address}: {str(error).splitlines()[0][:300]}") from error


def _check_may_travel(campaign: Campaign, run_dir: Path) -> None:
    if not run_dir.is_absolute():
        raise UserError(
            f"--run-dir: {run_dir} counts from a job's working directory, which is a copy that is "
            "thrown away; give an absolute path on a file system that all nodes share"
        )
    if campaign.executor.kind == "inline":
        raise UserError(
            "executor.kind is inline, which leaves the cluster idle; set it to ray to submit"
        )

"""What can be known to fail before anything is written or computed."""

from pathlib import Path

import numpy as np

from activecharge.campaign.settings.campaign_options import Campaign
from activecharge.errors import UserError
from activecharge.sampling.sieve import Sieve, draw
from activecharge.sampling.source_options import needs_labelled

_THROWN_AWAY = "working_dir_files"
"""Folder in which Ray keeps the copies of jobs' working directories."""


def precheck(campaign: Campaign, directory: Path) -> None:
    """Refuse what cannot go well; sources are tried only where a campaign begins.

    Raises
    ------
    UserError
        If the run directory lies in what Ray throws away with a job, or a source is no good.
    """
    _check_place(directory)
    if not (directory / "campaign.yaml").exists():
        check_sources(campaign)


def _check_place(directory: Path) -> None:
    if _THROWN_AWAY in directory.absolute().parts:
        raise UserError(
            f"{directory}: lies in the job's copy of its working directory, which is thrown away; "
            "give --run-dir as an absolute path on a file system that all nodes share"
        )


def check_sources(campaign: Campaign) -> None:
    """Draw one configuration from each source that needs nothing labelled.

    Raises
    ------
    UserError
        If a source cannot give anything: a file that is missing or holds frames the program
        does not handle, elements the campaign does not know, frames that are all insane.
    """
    for group in ("initial", "test", "explore"):
        for index, source in enumerate(getattr(campaign, group)):
            source = getattr(source, "starts", None) or source
            if needs_labelled(source):
                continue
            sieve = Sieve(campaign.sanity)
            drawn = draw(
                source,
                np.random.default_rng(campaign.seed),
                elements=campaign.elements,
                known=[],
                sieve=sieve,
            )
            if next(drawn, None) is None:
                refused = ", ".join(f"{count} {why}" for why, count in sieve.refused.items())
                raise UserError(
                    f"{group}.{index} ({source.kind}): not one configuration is sane "
                    f"({refused}); change the source or the limits under `sanity`"
                )

"""What can be known to fail before anything is written or computed."""

import numpy as np

from activecharge.campaign.config import Campaign
from activecharge.errors import UserError
from activecharge.sampling.options import DynamicsOptions, RattleOptions
from activecharge.sampling.sources import Sieve, draw


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
            if isinstance(source, DynamicsOptions | RattleOptions):
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

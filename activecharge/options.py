"""The base of every group of settings a user may write in YAML."""

from pydantic import BaseModel, ConfigDict


class Options(BaseModel):
    """Immutable settings that refuse keys they do not know.

    Each field carries a description with its unit; `docs/campaign.md` and the JSON schema
    are generated from them.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

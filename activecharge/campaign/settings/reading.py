"""Campaign files: read and checked, or written with every default."""

import warnings
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import yaml
from pydantic import ValidationError

from activecharge.campaign.settings.campaign_options import Campaign
from activecharge.campaign.settings.executor_options import ClusterOptions
from activecharge.campaign.settings.mistakes import sentence
from activecharge.campaign.settings.yaml_file import read_settings
from activecharge.errors import Note, UserError

Parsed = TypeVar("Parsed")

_MOVED = ("train_after", "queue", "selections")
"""Keys of `executor` that version 0.1.0 had, and that are under `schedule` now."""


def load_campaign(path: Path | str) -> Campaign:
    """Read and validate a campaign file.

    Relative paths of files in it count from its folder. Keys of version 0.1.0 still work, with a
    `Note` as a Python warning.

    Raises
    ------
    UserError
        One sentence naming the file and the key, and for an unknown key the nearest known.
    """
    path = Path(path)
    data = read_settings(path, "name, reference, ...")
    if moved := _translate(data):
        warnings.warn(f"{path}: {moved}", Note, stacklevel=2)
    _resolve_paths(data, path.parent)
    try:
        return Campaign.model_validate(data)
    except ValidationError as error:
        raise UserError(f"{path}: {sentence(error, Campaign)}") from error


def parse(group: str, parse: Callable[[], Parsed]) -> Parsed:
    """Validate settings that a user gave elsewhere; mistakes are told as those of a group."""
    try:
        return parse()
    except ValidationError as error:
        raise UserError(sentence(error, Campaign, below=(group,))) from error


def at_address(campaign: Campaign, address: str | None) -> Campaign:
    """The same campaign on another Ray cluster, where an address is given."""
    if address is None:
        return campaign
    cluster = parse("--address", lambda: ClusterOptions(address=address))
    return campaign.model_copy(update={"cluster": cluster})


def dump_campaign(campaign: Campaign) -> str:
    """The campaign with every default written out, as YAML."""
    return yaml.safe_dump(campaign.model_dump(mode="json"), sort_keys=False, allow_unicode=True)


def _translate(data: dict[str, object]) -> str:
    """Move old keys to where they are now; says what was moved."""
    executor = data.get("executor")
    if not isinstance(executor, dict) or "schedule" in data:
        return ""
    old = [key for key in ("schedule", *_MOVED) if key in executor]
    if not old:
        return ""
    kind = executor.pop("schedule", "batch")
    moved = {key: executor.pop(key) for key in _MOVED if key in executor}
    data["schedule"] = {"kind": kind} | (moved if kind == "streaming" else {})
    keys = ", ".join(f"executor.{key}" for key in old)
    now = yaml.safe_dump(data["schedule"], default_flow_style=True, sort_keys=False).strip()
    return f"{keys}: such keys are now under `schedule`; write `schedule: {now}`"


def _resolve_paths(data: dict[str, object], folder: Path) -> None:
    groups = [data.get("reference")]
    for name in ("initial", "test", "explore"):
        sources = data.get(name)
        groups += sources if isinstance(sources, list) else []
    for group in groups:
        if isinstance(group, dict):
            # What a source is made of, or starts from, may be a file, too.
            groups += [group.get("of"), group.get("starts")]
            for key in ("path", "file", "template"):
                if isinstance(group.get(key), str):
                    group[key] = str((folder / group[key]).resolve())

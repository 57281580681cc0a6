"""Settings of a simulation, from a YAML file or from the command line."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from activecharge.campaign.settings.arguments import read_setting
from activecharge.campaign.settings.yaml_file import read_settings
from activecharge.campaign.standalone.run_simulation import parsed
from activecharge.errors import UserError
from activecharge.simulation.simulation_options import SimulationOptions

BUILDERS = ("boxes", "clusters", "ice")


def simulation_settings(
    given: Path, start: str | None, changes: Sequence[str] = ()
) -> SimulationOptions:
    """Settings as the command line has them.

    Parameters
    ----------
    given : pathlib.Path
        A YAML file, or the folder of a committee.
    start : str, optional
        A file or the name of a builder; with a YAML file, in place of its own.
    changes : sequence of str
        "key=value"; dots lead into groups, and numbers into lists.

    Raises
    ------
    UserError
        One sentence naming the key.
    """
    if given.suffix.lower() in (".yaml", ".yml"):
        data = read_settings(given, "committee, start, stages, ...")
        _resolve(data, given.parent)
        where = f"{given}: "
    else:
        data, where = {"committee": str(given)}, ""
    if start is not None:
        builder = start in BUILDERS and not Path(start).exists()
        data["start"] = {"kind": start} if builder else {"kind": "file", "path": start}
    for change in changes:
        _change(data, change)
    options = parsed(data, where)
    if options.committee is None:
        raise UserError(f"{where}the key 'committee' is missing; add it")
    if options.start is None:
        raise UserError(
            f"{where}the start is missing; name a file of frames, or one of the builders "
            f"{', '.join(BUILDERS)}"
        )
    return options


def _resolve(data: dict[str, object], folder: Path) -> None:
    """Paths in a file count from its folder."""
    if isinstance(data.get("committee"), str):
        data["committee"] = str((folder / str(data["committee"])).resolve())
    start = data.get("start")
    if isinstance(start, dict) and isinstance(start.get("path"), str):
        start["path"] = str((folder / start["path"]).resolve())


def _change(data: dict[str, object], change: str) -> None:
    """Put one setting where its name says."""
    name, value = read_setting(change, "temperature=350")
    keys = name.split(".")
    if keys[0] == "stages" and len(keys) > 1 and "stages" not in data:
        stages = SimulationOptions().stages
        data["stages"] = [stage.model_dump(mode="json") for stage in stages]
    here: Any = data
    for key, following in zip(keys, [*keys[1:], ""], strict=True):
        if isinstance(here, list):
            if not key.isdigit() or int(key) >= len(here):
                raise UserError(
                    f"--set {change}: there is no {key!r} in a list of {len(here)}, counted from 0"
                )
            place: Any = int(key)
        elif isinstance(here, dict):
            place = key
            if following:
                here.setdefault(key, {})
        else:
            raise UserError(f"--set {change}: {key!r} leads into what is no group of settings")
        if following:
            here = here[place]
        else:
            here[place] = value

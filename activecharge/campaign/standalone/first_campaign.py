"""A first campaign file for what somebody has: nothing, frames, or labelled data."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ase import Atoms

from activecharge.campaign.precheck import check_sources
from activecharge.campaign.settings.campaign_options import Campaign
from activecharge.campaign.settings.commented import commented
from activecharge.campaign.settings.reading import parse
from activecharge.dataset.extxyz import read_labels
from activecharge.errors import UserError
from activecharge.files import write_text
from activecharge.reference.reference_options import ReferenceOptions
from activecharge.sampling.pool import read_pool

SHOWN = (
    "name",
    "seed",
    "reference.method",
    "reference.functional",
    "reference.basis",
    "model.coupling",
    "model.cutoff",
    "model.channels",
    "training.members",
    "training.steps",
    "training.warm_steps",
    "selection.batch",
    "selection.control",
    "stop.rounds",
    "stop.labels",
    "schedule.kind",
    "executor.cpus",
    "executor.label_cpus",
)
"""Keys that a first file shows though they are as by default: what people change first."""

_BUILDERS: dict[str, dict[str, object]] = {
    "clusters": {"kind": "clusters"},
    "bulk": {"kind": "boxes", "molecules": [8, 16]},
}

_COUNTS = {"clusters": (40, 20, 100), "bulk": (20, 10, 40)}
"""Frames to begin with, to test on, and to choose from in each round; cells cost more."""


@dataclass(frozen=True)
class Beginning:
    """What a campaign begins with.

    Attributes
    ----------
    name : str
    reference : ReferenceOptions or None
        Where labels come from; None where `labels` has them.
    frames : pathlib.Path or None
        Configurations without labels.
    labels : pathlib.Path or None
        Configurations with labels.
    system : str
        What is built where there are no files: "clusters", "bulk" or "both".
    """

    name: str
    reference: ReferenceOptions | None = None
    frames: Path | None = None
    labels: Path | None = None
    system: str = "clusters"


def first_campaign(begin: Beginning) -> Campaign:
    """Settings with which a campaign may begin; each source has given a frame.

    Raises
    ------
    UserError
        If the system is none of those, a file cannot be read or holds too little, or the
        reference cannot treat cells and is to.
    """
    if begin.labels is not None:
        found = [label.candidate.atoms for label in read_labels(begin.labels)]
        data = _from_file(begin.labels, found)
        data["reference"] = {"kind": "recorded", "file": str(begin.labels.absolute())}
        # What is labelled in the file can be looked up, and nothing else.
        data["explore"] = data["explore"][:1]
    else:
        frames = read_pool(begin.frames) if begin.frames else []
        data = _from_file(begin.frames, frames) if begin.frames else _built(begin.system)
        cells = any(atoms.pbc.any() for atoms in frames) or (
            not frames and begin.system != "clusters"
        )
        assert begin.reference is not None
        data["reference"] = _suited(begin.reference, cells)
    data["name"] = begin.name
    campaign = parse("campaign", lambda: Campaign.model_validate(data))
    check_sources(campaign)
    return campaign


def write_first(campaign: Campaign, path: Path) -> None:
    """Write a campaign with comments, where there is no file yet.

    Raises
    ------
    UserError
        If there is one.
    """
    head = (
        "A campaign of activecharge. Keys that are not here are as by default; docs/campaign.md\n"
        "has all of them, with units.\n\n"
        f"  activecharge run {path} --dry-run   what it will cost\n"
        f"  activecharge run {path}             run it, or go on with it"
    )
    refuse_old(path)
    write_text(path, commented(campaign, SHOWN, head))


def refuse_old(path: Path) -> None:
    """Refuse a name that is taken."""
    if path.exists():
        raise UserError(f"{path}: is there already and stays as it is; give another name")


def _suited(reference: ReferenceOptions, cells: bool) -> dict[str, object]:
    """Settings of a reference, with what cells ask for where the user said nothing of it."""
    given = reference.model_dump(exclude_unset=True) | {"kind": reference.kind}
    if not cells:
        return given
    wanted = type(reference).for_cells
    if wanted is None:
        raise UserError(
            f"reference {reference.kind} labels free clusters only, but there are periodic "
            "frames; choose tblite or cp2k, or clusters"
        )
    return {**wanted, **given}


def _built(system: str) -> dict[str, object]:
    """Sources that make water from nothing."""
    kinds = tuple(_BUILDERS) if system == "both" else (system,)
    if not set(kinds) <= set(_BUILDERS):
        raise UserError(f"--system {system}: expected {', '.join(_BUILDERS)} or both")

    def sources(column: int) -> list[dict[str, object]]:
        return [_BUILDERS[kind] | {"count": _COUNTS[kind][column]} for kind in kinds]

    moved: list[dict[str, object]] = [{"kind": "rattle", "count": 40}, {"kind": "dynamics"}]
    return {"initial": sources(0), "test": sources(1), "explore": sources(2) + moved}


def _from_file(path: Path, frames: list[Atoms]) -> dict[str, Any]:
    """Sources that take the frames of a file, and what is made of them."""
    if len(frames) < 10:
        raise UserError(
            f"{path}: holds {len(frames)} frames; at least 10 are needed, to begin with, to test "
            "on and to choose from"
        )
    file = {"kind": "file", "path": str(path.absolute())}
    most = len(frames) // 4
    elements = sorted({symbol for atoms in frames for symbol in atoms.get_chemical_symbols()})
    return {
        "elements": elements,
        "initial": [file | {"count": min(40, most)}],
        "test": [file | {"count": min(20, most)}],
        "explore": [file, {"kind": "rattle", "count": 40}, {"kind": "dynamics"}],
    }

"""Labelled data from elsewhere: what the user says about it, and what was found in it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from activecharge.campaign.settings.mistakes import sentence
from activecharge.campaign.settings.yaml_file import named_value, read_settings
from activecharge.campaign.standalone.judge import check_labels
from activecharge.campaign.standalone.order_trial import fit_orders
from activecharge.dataset.extxyz import write_labels
from activecharge.dataset.importing.import_options import ImportOptions
from activecharge.dataset.importing.importer import Imported, import_file
from activecharge.dataset.judging.left_out import left_out
from activecharge.errors import UserError
from activecharge.files import check_not_input
from activecharge.reference.tight_binding import tight_binding_bec
from activecharge.sampling.leaks import Repeat, find_repeats
from activecharge.sampling.pool import read_pool

SHOWN = 10
"""Items of a list on the screen; JSON has all of them."""


def import_options(
    config: Path | None, keys: Sequence[str], units: Sequence[str], given: Mapping[str, Any]
) -> ImportOptions:
    """Settings of an import, from a file and from the command line, which wins.

    Parameters
    ----------
    config : pathlib.Path or None
        YAML file; relative paths in it count from its folder.
    keys, units : sequence of str
        Such as "energy=dft_energy" and "energy=hartree".
    given : mapping
        Other settings; those that are None do not count.

    Raises
    ------
    UserError
        One sentence with the mistake.
    """
    data: dict[str, Any] = {}
    if config:
        data |= read_settings(config, "keys, units, order, ...")
    if config and isinstance(data.get("bec_file"), str):
        data["bec_file"] = str((config.parent / data["bec_file"]).resolve())
    for name, items in (("keys", keys), ("units", units)):
        if items and isinstance(data.get(name, {}), dict):
            named = dict(named_value(item, "energy=dft_energy") for item in items)
            data[name] = data.get(name, {}) | named
    data |= {name: value for name, value in given.items() if value is not None}
    try:
        return ImportOptions.model_validate(data)
    except ValidationError as error:
        where = f"{config}: " if config else ""
        raise UserError(f"{where}{sentence(error, ImportOptions)}") from error


@dataclass(frozen=True)
class Intake:
    """What an import brought, and which of its frames are anywhere else."""

    out: Path
    imported: Imported
    repeats: tuple[Repeat, ...]

    def facts(self) -> dict[str, Any]:
        """The same as JSON-able data."""
        imported = self.imported
        return {
            "file": str(self.out),
            "frames": len(imported.labels),
            "labelled": imported.frames,
            "keys": imported.keys,
            "not_read": [str(item) for item in imported.unread],
            "remarks": list(imported.remarks),
            "not_taught": left_out(imported.labels),
            "masked": imported.masked,
            "bec_order": imported.order,
            "bec_order_from": imported.order_from,
            "evidence": [str(item) for item in imported.evidence],
            "duplicates": [str(repeat) for repeat in self.repeats if not repeat.leak],
            "leaks": [str(repeat) for repeat in self.repeats if repeat.leak],
        }

    def text(self) -> str:
        """The same for people."""
        facts = self.facts()
        held = ", ".join(f"{name} in {count}" for name, count in facts["labelled"].items())
        lines = [f"{self.out}: {facts['frames']} frames ({held})"]
        for name, keys in facts["keys"].items():
            lines.append(f"  {name} from {', '.join(f'{k} in {n}' for k, n in keys.items())}")
        lines += _section("not read", facts["not_read"])
        lines += _section("remarks", facts["remarks"])
        lines += _section("not used in training", facts["not_taught"])
        for name, count in facts["masked"].items():
            lines.append(f"  {name}: missing for {count} atoms, which stay masked")
        if self.imported.frames.get("bec"):
            order = facts["bec_order"] or "different from frame to frame"
            lines.append(f"  index order in the file: {order}, {facts['bec_order_from']}")
            shown = (item for item in facts["evidence"] if item not in facts["bec_order_from"])
            lines += [f"    {item}" for item in shown]
        for title in ("duplicates", "leaks"):
            lines += _section(title, facts[title], f"  {title}: {len(facts[title]) or 'none'}")
        return "\n".join(lines)


def _section(title: str, found: Sequence[str], head: str = "") -> list[str]:
    """A titled list, its first items alone; nothing where nothing was found and no head given."""
    if not found and not head:
        return []
    lines = [head or f"  {title}:", *(f"    {item}" for item in found[:SHOWN])]
    if len(found) > SHOWN:
        lines.append(f"    and {len(found) - SHOWN} more; --json has all")
    return lines


def bring(data: Path, out: Path, options: ImportOptions, against: Sequence[Path]) -> Intake:
    """Turn labelled data of other programs into the program's own extxyz.

    Parameters
    ----------
    data : pathlib.Path
    out : pathlib.Path
        File to write. Frames that occur more than once are written, and told.
    options : ImportOptions
    against : sequence of pathlib.Path
        Files whose frames must not be among the data, a test set for one.

    Raises
    ------
    UserError
        If `out` is one of the files to read, or the data are not to be taken, see
        `activecharge.dataset.importing.importer` and `activecharge.campaign.standalone.judge`.
    """
    check_not_input(out, data, options.bec_file, *against)
    frames = {str(path): read_pool(path) for path in against}
    trial = fit_orders if options.order == "fit" else None
    imported = import_file(data, options, second=tight_binding_bec, trial=trial)
    check_labels(imported.labels, data)
    frames[str(data)] = [label.candidate.atoms for label in imported.labels]
    repeats = find_repeats(frames)
    write_labels(out, imported.labels)
    return Intake(out, imported, tuple(r for r in repeats if r.file == str(data)))

"""What lies in an exported dataset."""

import hashlib
import json
import platform
from collections import Counter
from collections.abc import Mapping, Sequence
from importlib import metadata
from pathlib import Path

from activecharge.formats import DATASET, check_version, versioned
from activecharge.properties import BEC_CONVENTION, PROPERTIES
from activecharge.records import Label
from activecharge.strict_json import Json

_PACKAGES = (
    "activecharge",
    "ase",
    "mace-torch",
    "numpy",
    "ray",
    "tblite",
    "torch",
    "torch-pme",
)


def versions() -> dict[str, str]:
    """Look up the versions of Python and of the packages that decide the numbers.

    Returns
    -------
    dict of str to str
        Packages that are not installed are left out.
    """
    found = {"python": platform.python_version()}
    for package in _PACKAGES:
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    return found


def manifest(
    files: Sequence[Path | str], labels: Sequence[Label], splits: Mapping[str, Sequence[int]]
) -> dict[str, object]:
    """Describe exported files; the same labels and packages give the same description.

    Parameters
    ----------
    files : sequence of path-like
        Exported files, all in the folder where the manifest will lie.
    labels : sequence of Label
    splits : mapping of str to sequence of int
        Indices into `labels`.

    Returns
    -------
    dict
        JSON-able: format version, checksums, counts, references, properties with units, index
        order of the Born effective charges, package versions.
    """
    described = {
        "files": {Path(file).name: {"sha256": _sha256(Path(file))} for file in files},
        "counts": _counts(labels, splits),
        "references": _references(labels),
        "properties": {
            p.name: {
                "key": p.key,
                "unit": p.unit,
                "shape": [*(["atoms"] if p.per_atom else []), *p.shape],
                "frames": sum(p.name in label.values for label in labels),
            }
            for p in PROPERTIES.values()
        },
        "bec_convention": BEC_CONVENTION,
        "bec_definition": "Z[i, a, b] = dP_a/dR_ib, stored row-major: a polarization, b atom i",
        "units": {"positions": "Å", "cell": "Å"},
        "versions": versions(),
    }
    return versioned(described, DATASET)


def check_age(file: Path | str) -> None:
    """Refuse a file of a dataset whose manifest, beside it, a newer program wrote.

    Raises
    ------
    UserError
        Naming the manifest.
    """
    file = Path(file)
    for path in sorted(file.parent.glob("*.manifest.json")):
        try:
            data = json.loads(path.read_bytes())
            listed = file.name in data["files"]
        except (OSError, ValueError, KeyError, TypeError):  # somebody else's
            continue
        if listed:
            check_version(data, DATASET, path)


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _counts(labels: Sequence[Label], splits: Mapping[str, Sequence[int]]) -> dict[str, Json]:
    elements = Counter(s for label in labels for s in label.candidate.atoms.symbols)
    sources = Counter(label.candidate.source for label in labels)
    return {
        "frames": len(labels),
        "atoms": sum(elements.values()),
        "splits": {name: len(indices) for name, indices in splits.items()},
        "elements": dict(sorted(elements.items())),
        "sources": dict(sorted(sources.items())),
    }


def _references(labels: Sequence[Label]) -> list[dict[str, Json]]:
    kinds = Counter(
        (label.reference, json.dumps(label.settings, sort_keys=True)) for label in labels
    )
    return [
        {"name": name, "settings": json.loads(settings), "frames": count}
        for (name, settings), count in sorted(kinds.items())
    ]

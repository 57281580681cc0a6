"""What this machine can do: reference codes, accelerators, and packages with their versions."""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import metadata

from ase import Atoms

from activecharge.errors import UserError
from activecharge.records import Candidate, Failure
from activecharge.reference.codes.code_options import Package
from activecharge.reference.codes.code_table import CODES
from activecharge.reference.gate_options import GateOptions
from activecharge.reference.run import label_candidate

PROBE_LIMIT = 120.0
"""Time that the label of one molecule may take [s]."""

_PACKAGES = (
    Package("ray", "parallel and distributed work", "pip install ray"),
    Package("torch-pme", "long-range electrostatics", "pip install torch-pme"),
    Package("mace-torch", "the models' backbone", "pip install mace-torch"),
    Package("matplotlib", "figures of reports", "pip install matplotlib"),
)
"""Beside those of the reference codes."""


@dataclass(frozen=True)
class Check:
    """One thing that may or may not be usable here.

    Attributes
    ----------
    group : str
        "reference", "device" or "package".
    name : str
    usable : bool
    version : str
        Empty where there is none or it is not known.
    detail : str
        What it does or did, or what went wrong.
    hint : str
        How to make it usable; empty if it is.
    """

    group: str
    name: str
    usable: bool
    version: str = ""
    detail: str = ""
    hint: str = ""


def examine(timeout: float = PROBE_LIMIT) -> Iterator[Check]:
    """Look at every reference code, device and package; a code labels one water molecule.

    Parameters
    ----------
    timeout : float
        Time that each of the labels may take, s.

    Yields
    ------
    Check
        One by one, since a probe can take seconds.
    """
    for kind in CODES:
        yield probe(kind, timeout)
    yield from devices()
    own = [package for code in CODES.values() for package in code.OPTIONS.packages]
    yield from map(_package, (*_PACKAGES, *own))


def probe(kind: str, timeout: float = PROBE_LIMIT) -> Check:
    """Label one water molecule with a reference code, in a process of its own.

    Parameters
    ----------
    kind : str
        Reference code, as `reference.kind` in a campaign.
    timeout : float
        Time that the label may take, s.

    Returns
    -------
    Check
    """
    code = CODES[kind].OPTIONS
    missing = [
        name
        for name, field in code.model_fields.items()
        if field.is_required() and name not in code.probe
    ]
    if missing:
        return Check("reference", kind, True, detail=f"always there; needs your {missing[0]}")
    options = code(**code.probe, timeout=timeout, retries=0)
    water = Candidate(_water(), "water", "doctor")
    start = time.perf_counter()
    try:
        result = label_candidate(water, options, GateOptions())
    except UserError as mistake:
        return Check("reference", kind, False, hint=str(mistake))
    seconds = time.perf_counter() - start
    if isinstance(result, Failure):
        hint = "see docs/references.md for what it needs"
        return Check("reference", kind, False, detail=result.reason, hint=hint)
    version = str(result.settings.get("version", "")) or _version(kind) or ""
    given = ", ".join(result.values)
    detail = f"one molecule in {seconds:.1f} s: {given}"
    return Check("reference", kind, True, version, detail)


def devices() -> tuple[Check, ...]:
    """Accelerators that torch can use."""
    try:
        import torch
    except ImportError as error:
        hint = "pip install torch"
        return (Check("device", "GPU", False, detail=f"no torch ({error})", hint=hint),)
    found = [
        Check(
            "device",
            f"cuda:{index}",
            True,
            str(torch.version.cuda),
            f"{torch.cuda.get_device_name(index)}, "
            f"{torch.cuda.get_device_properties(index).total_memory / 2**30:.0f} GiB",
        )
        for index in range(torch.cuda.device_count())
    ]
    if torch.backends.mps.is_available():
        found.append(Check("device", "mps", True, detail="Apple GPU; float32 only"))
    if not found:
        hint = "a GPU is optional; for one, install a CUDA build of torch and its driver"
        detail = f"torch {torch.__version__} sees none; models run on the CPU"
        found.append(Check("device", "GPU", False, detail=detail, hint=hint))
    return tuple(found)


def render(check: Check) -> str:
    """Write a check as one line of text, with a second one for the hint."""
    said = "  ".join(text for text in (check.version, check.detail) if text)
    line = f"  {'yes' if check.usable else 'no ':<4} {check.name:<17} {said}".rstrip()
    return f"{line}\n{'':<7} {'':<17} {check.hint}" if check.hint else line


def _water() -> Atoms:
    # Å; the experimental shape, rounded.
    return Atoms("OHH", positions=[[0, 0, 0], [0.757, 0, 0.586], [-0.757, 0, 0.586]])


def _package(package: Package) -> Check:
    version = _version(package.name)
    if version is None:
        detail = f"for {package.purpose}"
        return Check("package", package.name, False, detail=detail, hint=package.install)
    return Check("package", package.name, True, version, package.purpose)


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None

"""Whether labels from elsewhere may teach: the laws that the program's own labels obey, wider."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from activecharge.dataset.importing.index_order import Tensors, detect, verdict
from activecharge.dataset.judging.plausible import check_values, in_frames
from activecharge.errors import UserError
from activecharge.properties import PROPERTIES
from activecharge.records import Label
from activecharge.reference.gates import gate
from activecharge.reference.reference_options import GateOptions

_CAUSES = {
    "largest force": "atoms may overlap, or the unit may be another; remove the frame",
    "net force": (
        "some forces may be missing, of other atoms, or of molecules in an electric field; "
        "correct or remove the frame"
    ),
    "net torque": (
        "forces may be in another orientation than positions, as in outputs with a standard "
        "orientation; correct or remove the frame"
    ),
    "sum of charges": (
        "the system may be an ion, or the charges those of other atoms; correct or remove the frame"
    ),
    "acoustic sum rule": (
        "the unit may be another, tensors may be missing, or the calculation too coarse; correct "
        "or remove the frame"
    ),
    "rotational sum rule": (
        "Born effective charges and dipole may be in different units, of different signs, or "
        "transposed; correct them or remove one"
    ),
}
"""The likely cause of a breach, by the law that `gate` names first."""

_SAME_ENERGY = PROPERTIES["energy"].tolerance
"""eV an atom: energies of one geometry that differ by more teach two things at once."""


def check_labels(labels: Sequence[Label], where: Path | str) -> None:
    """Refuse labels that break physics beyond what honest calculations do.

    Parameters
    ----------
    labels : sequence of Label
        In the order of the file, hashes from their content.
    where : path-like
        The file, for messages.

    Raises
    ------
    UserError
        One sentence with file, frame, value, and the likely cause.
    """
    check_values([(label.candidate.atoms, label.values) for label in labels], where)
    faults = {i: text for i, label in enumerate(labels) if (text := _breach(label))}
    if faults:
        raise UserError(in_frames(faults, where))
    _check_one_energy(labels, where)
    _check_order(labels, where)


def _tolerances(count: int) -> GateOptions:
    """What calculations of `count` atoms may break laws by, on the safe side of honest ones.

    Errors of grids, cutoffs and printed digits add up over atoms, so that each tolerance grows
    with their number; none lets an atom err by as much as half of what training asks for.
    """
    return GateOptions(
        # Charges are printed with three decimals or more, and integrated on grids.
        neutrality=min(0.02 + 1e-3 * count, 0.5),
        # DFPT in cells: up to some 0.05 e of a few molecules, 2 to 7 me an atom on coarse grids.
        acoustic_sum_rule=0.05 + 5e-3 * count,
        # A dipole in debye, or in e·bohr, breaks this by 0.3 e·Å a molecule or more; coarse grids
        # by 0.03.
        rotational_sum_rule=0.15 + 0.01 * count,
        # Bonds at 0.6 Å push with 60 to 100 eV/Å; frames beyond 300 are wrecks.
        max_force=300.0,
        # Egg-box forces of density grids: 0.1 eV/Å for one molecule at 400 Ry.
        net_force=0.3 + 0.01 * count,
        net_torque=0.5 + 0.02 * count,
    )


def _breach(label: Label) -> str:
    """The first law that a label breaks, with its likely cause; masked properties are left out."""
    values = {
        name: value
        for name, value in label.values.items()
        if not (PROPERTIES[name].per_atom and np.isnan(value).any())
    }
    if not values:
        return ""
    atoms = label.candidate.atoms
    breach = gate(atoms, values, _tolerances(len(atoms)))
    if breach is None:
        return ""
    causes = [cause for law, cause in _CAUSES.items() if breach.sentence.startswith(law)]
    return "; ".join([breach.sentence, *causes]) + "."


def _check_one_energy(labels: Sequence[Label], where: Path | str) -> None:
    first: dict[str, tuple[int, float]] = {}
    for number, label in enumerate(labels):
        if "energy" not in label.values:
            continue
        energy = float(label.values["energy"])
        earlier, known = first.setdefault(label.candidate.hash, (number, energy))
        if abs(energy - known) > _SAME_ENERGY * len(label.candidate.atoms):
            raise UserError(
                f"{where}, frame {number} (counting from 0): is frame {earlier} again, but its "
                f"energy is {energy:.4f} eV, not {known:.4f} eV; two methods or zeros of energy "
                "may be mixed, so remove one of the frames."
            )


def _check_order(labels: Sequence[Label], where: Path | str) -> None:
    evidence = detect(
        [
            Tensors(label.candidate.atoms, label.values["bec"], label.values.get("dipole"))
            for label in labels
            if "bec" in label.values
        ]
    )
    if verdict(evidence) == "disp_pol":
        told = "; ".join(str(item) for item in evidence if item.order)
        raise UserError(
            f"{where}: the Born effective charges are transposed ({told}); give the other "
            "bec_convention, or import the file anew."
        )

"""Labels that a file holds but training does not use, since physics leaves them undefined."""

from collections.abc import Iterable

from activecharge.records import Label


def left_out(labels: Iterable[Label]) -> list[str]:
    """Sentences on dipoles of periodic frames and stresses of free ones, if there are any.

    Parameters
    ----------
    labels : iterable of Label
    """
    dipoles = stresses = 0
    for label in labels:
        periodic = bool(label.candidate.atoms.pbc.all())
        dipoles += periodic and "dipole" in label.values
        stresses += not periodic and "stress" in label.values
    found = []
    if dipoles:
        found.append(
            f"dipoles of {dipoles} periodic frame{'s' * (dipoles != 1)} do not teach: in a cell "
            "a dipole is known up to a quantum only"
        )
    if stresses:
        found.append(
            f"stresses of {stresses} free frame{'s' * (stresses != 1)} do not teach: without a "
            "cell there is none"
        )
    return found

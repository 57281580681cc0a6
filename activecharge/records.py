"""The frozen records that the stages hand to one another.

Positions are Å, energies eV, forces eV/Å, charges e, dipoles e·Å, Born effective charges e.
"""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from ase import Atoms

from activecharge.properties import LATENT_CHARGES


@dataclass(frozen=True)
class Candidate:
    """A configuration that may be labelled.

    Attributes
    ----------
    atoms : ase.Atoms
        Species, positions, cell and periodicity only, rounded as the files store them.
    hash : str
        Content hash from `activecharge.dataset.identity.content_hash`.
    source : str
        The kind of source that made it, e.g. "clusters" or "dynamics".
    origin : dict
        JSON-able details of how it came about (temperature in K, step, parent hash, file ...).
    """

    atoms: Atoms
    hash: str
    source: str
    origin: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Label:
    """Reference values of one configuration.

    Attributes
    ----------
    candidate : Candidate
    values : dict of str to numpy.ndarray
        By property name, shapes as in `activecharge.properties`. An absent name means not
        labelled; NaN marks a missing per-atom entry.
    reference : str
        Name of the electronic structure code.
    settings : dict
        JSON-able settings that fix the values (method, field strength ...).
    """

    candidate: Candidate
    values: dict[str, np.ndarray]
    reference: str
    settings: dict[str, Any]


@dataclass(frozen=True)
class Failure:
    """A configuration whose reference run did not give a label that can be trusted.

    Attributes
    ----------
    candidate : Candidate
    reason : str
        One sentence: which gate or fault, with the figure.
    """

    candidate: Candidate
    reason: str


@dataclass(frozen=True)
class Prediction:
    """What a committee says of one configuration.

    Attributes
    ----------
    mean : dict of str to numpy.ndarray
        Mean over members, by name in `activecharge.properties.QUANTITIES`, shapes as there. Only
        what labels have taught goes by the name of a property.
    std : dict of str to numpy.ndarray
        Spread over members: shape () for frame properties, (N,) for per-atom ones. For
        vectors and tensors it is the root of the mean component variance. Absent where unknown.
    descriptor : numpy.ndarray
        Shape (D,): mean invariant features of the frame's atoms per element.
    expected_error : dict of str to numpy.ndarray
        Calibrated spread: the root mean square error to expect, of the shape of `std`. Empty
        where the committee is not calibrated; NaN for atoms of elements it is not calibrated for.
    """

    mean: dict[str, np.ndarray]
    std: dict[str, np.ndarray]
    descriptor: np.ndarray
    expected_error: dict[str, np.ndarray] = field(default_factory=dict)

    @property
    def disagreement(self) -> dict[str, np.ndarray]:
        """`std` by property name: members disagree about latent charges as about others."""
        return {("charges" if n == LATENT_CHARGES else n): std for n, std in self.std.items()}


@dataclass(frozen=True)
class Scored:
    """A candidate with the committee's prediction and its disagreement.

    Attributes
    ----------
    candidate : Candidate
    prediction : Prediction
    score : float
        Dimensionless disagreement of the frame; larger is less certain.
    worst : dict of str to float
        Largest per-atom (or per-frame) spread by property, in the property's unit.
    worst_error : dict of str to float
        Largest expected error likewise, for properties that the committee is calibrated for.
    cause : dict
        What weighs most in the score, JSON-able: "property"; for per-atom properties "atom",
        counted from 0, and its "element"; and there "spread" and, where calibrated,
        "expected_error". Empty where no property counts.
    """

    candidate: Candidate
    prediction: Prediction
    score: float
    worst: dict[str, float]
    worst_error: dict[str, float] = field(default_factory=dict)
    cause: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class MemberResult:
    """One trained committee member.

    Attributes
    ----------
    index : int
    directory : str
        Where its checkpoint lies.
    history : tuple of dict
        One entry per epoch: epoch, learning rate, losses and validation errors.
    """

    index: int
    directory: str
    history: tuple[dict[str, float], ...]

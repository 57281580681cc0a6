"""The frozen records that the stages hand to one another.

Positions are Å, energies eV, forces eV/Å, charges e, dipoles e·Å, Born effective charges e.
"""

from dataclasses import dataclass, field

import numpy as np
from ase import Atoms

from activecharge.properties import LATENT_CHARGES
from activecharge.strict_json import Json


@dataclass(frozen=True)
class Candidate:
    """A configuration that may be labelled.

    Attributes
    ----------
    atoms : ase.Atoms
        Species, positions, cell and periodicity only, rounded as the files store them; masses
        where there are isotopes.
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
    origin: dict[str, Json] = field(default_factory=dict)


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
    settings: dict[str, Json]


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
class Missing(Failure):
    """A configuration that somebody outside of the program has still to label; nothing failed."""


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
class BlindPair:
    """A label, and what a committee said of it before it had seen it.

    Attributes
    ----------
    label : Label
    prediction : Prediction
    why : str
        Why the frame was labelled, as in `Choice`.
    weight : float
        How much the pair counts, 1 for pairs of the latest committee and less for those of
        former ones, which were other committees.
    """

    label: Label
    prediction: Prediction
    why: str
    weight: float = 1.0

    @property
    def control(self) -> bool:
        """Whether the frame stands for all candidates: it was drawn at random, or is a test frame.

        Others were chosen for their spread.
        """
        return self.why in ("control", "test")


@dataclass(frozen=True)
class Coverage:
    """How often errors kept within a bound.

    Attributes
    ----------
    share : float
        Share of entries inside, frames counting alike.
    error : float
        Its standard error.
    """

    share: float
    error: float


@dataclass(frozen=True)
class Reliability:
    """How well expected errors and bounds of one property of one element came true.

    Attributes
    ----------
    property : str
        Property name.
    element : str
        Chemical symbol; empty for properties of the frame, "all" for all elements together.
    frames, entries : int
        Frames judged, and their atoms (or frames, for properties of the frame).
    expected, observed : float
        Root mean square expected error, which is the sharpness, and root mean square error, in
        the property's unit; frames count alike.
    spearman : float or None
        Rank correlation of expected and actual error; None where it says nothing.
    coverage : dict of float to Coverage
        By nominal coverage, where one may be claimed.
    area : float or None
        Area between observed and nominal coverage; None without 80 %.
    """

    property: str
    element: str
    frames: int
    entries: int
    expected: float
    observed: float
    spearman: float | None
    coverage: dict[float, Coverage]
    area: float | None


@dataclass(frozen=True)
class SourceTally:
    """What one source brought to a round.

    Attributes
    ----------
    source : str
        Its kind, with what else makes its frames differ.
    candidates : int
    distance, far : float or None
        Median and 90th percentile of the distance of its candidates to the nearest frame known
        before, in units typical of those; None where there is none.
    chosen, control : int
        Candidates chosen for their worth, and drawn at random.
    """

    source: str
    candidates: int
    distance: float | None
    far: float | None
    chosen: int
    control: int


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
    cause: dict[str, Json] = field(default_factory=dict)


@dataclass(frozen=True)
class Choice:
    """A candidate that is to be labelled, and why.

    Attributes
    ----------
    candidate : Candidate
    why : str
        "initial" or "test", which no committee chose; "control", drawn at random; "uncertain",
        "diverse" or "random" by the strategy of the selection.
    prediction : Prediction or None
        What the committee said of it; None without a committee, or where not all it said was
        finite.
    score : float or None
        As in `Scored`; None where there is no prediction, and so are the next two empty.
    worst, cause : dict
        As in `Scored`.
    committee : int or None
        Round of the campaign's committee that chose it; None where none did.
    """

    candidate: Candidate
    why: str
    prediction: Prediction | None = None
    score: float | None = None
    worst: dict[str, float] = field(default_factory=dict)
    cause: dict[str, Json] = field(default_factory=dict)
    committee: int | None = None


@dataclass(frozen=True)
class MemberResult:
    """One trained committee member.

    Attributes
    ----------
    index : int
    directory : str
        Where its checkpoint lies.
    history : tuple of dict
        One entry per validation: step, losses and errors.
    """

    index: int
    directory: str
    history: tuple[dict[str, float], ...]

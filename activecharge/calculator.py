"""A committee as an ASE calculator."""

import warnings
from collections.abc import Collection, Sequence
from pathlib import Path

import numpy as np
from ase import Atoms
from ase.calculators.calculator import Calculator, PropertyNotImplementedError, all_changes
from ase.stress import full_3x3_to_voigt_6_stress

from activecharge.committee.calibration.extrapolation import largest_excess
from activecharge.committee.committee import Committee
from activecharge.committee.uniform_field import why_no_potential
from activecharge.errors import UserError
from activecharge.model.space.kept_pairs import SKIN, KeptPairs
from activecharge.properties import LATENT_CHARGES, PROPERTIES, QUANTITIES
from activecharge.records import Prediction

_OURS = {"born_effective_charges": "bec", "free_energy": "energy"}
"""Where ASE's name of a property is not ours."""

_TOGETHER = frozenset(("energy", "forces", "stress", "charges", LATENT_CHARGES))
"""What one pass gives at hardly more than the cost of forces."""


class ExtrapolationWarning(UserWarning):
    """A committee expects much larger errors than on the labels that calibrated it."""


class ChargeCalculator(Calculator):
    """Energy, forces, charges and their responses from a committee's mean, with spreads.

    Properties have ASE's names: energy and free_energy, which are one (eV), forces (N, 3) (eV/Å),
    stress (6,) (eV/Å³, periodic frames), charges (N,) (e), dipole (3,) (e·Å, free frames) and
    born_effective_charges (N, 3, 3) (e, [polarization, displacement]). There are those that labels
    have taught the committee, see `docs/predictions.md`; asking for others is answered by a
    sentence. Charges that no reference charges taught are called latent_charges.

    What ASE asks for is computed, and kept until the atoms change: energy, forces, stress and
    charges in one pass, the others in one of their own. Neighbours are searched for again when an
    atom has moved half the skin.

    In a field ℰ, forces gain Σ_a Z_iab ℰ_a, and the energy, of free and periodic frames, is
    E − ℰ·P, whose derivatives forces and stress then are. With the independent coupling Z is no
    slope, so there is no such energy and no stress: asking for them is answered by a sentence.
    Charges, dipole and Z stay those without the field.

    `results` also holds the members' spread of each as `<name>_std`, in its unit (of charges and
    Born effective charges alone where it comes from a last layer); and, of a committee that a
    campaign has calibrated, the root mean square error to expect as `<name>_expected_error` (NaN
    for atoms of elements it is not calibrated for). Born effective charges are rows of 9 numbers
    there, row-major, which ASE's extxyz writer takes; `get_property` gives (N, 3, 3).

    One calculator serves one thread; several may share a committee.

    Parameters
    ----------
    committee : Committee or path-like
        A committee, or the folder of one.
    device : str
        torch device, where a folder is given.
    outputs : collection of str, optional
        Properties to compute, all in one pass, whichever is asked for, and no others.
    member : int, optional
        Which member alone to ask, counting from 0, at its cost and without spreads.
    field : sequence of 3 floats, optional
        A uniform electric field in V/Å. It may be changed later, as `calc.field = (0, 0, 0.1)`.
    skin : float
        Å beyond the model's cutoff in which neighbours are listed; results depend on it by rounding
        alone. At 0, they are searched for each time.
    warn_beyond : float or None
        A warning is given, once, where the expected error of an atom's forces, charges or Born
        effective charges is so many times what 95 % of the atoms of the control labels had. None:
        never. Without a calibration that knows them there is none.

    Raises
    ------
    UserError
        If there is no such committee, member or output, or the field cannot act.

    Examples
    --------
    >>> atoms.calc = ChargeCalculator("runs/water_clusters")  # doctest: +SKIP
    >>> atoms.get_charges()  # doctest: +SKIP
    """

    implemented_properties = [  # noqa: RUF012  (ASE declares it so)
        "energy",
        "free_energy",
        "forces",
        "stress",
        "charges",
        "dipole",
        "born_effective_charges",
        LATENT_CHARGES,
    ]

    def __init__(
        self,
        committee: Committee | Path | str,
        device: str = "cpu",
        *,
        outputs: Collection[str] | None = None,
        member: int | None = None,
        field: Sequence[float] | np.ndarray | None = None,
        skin: float = SKIN,
        warn_beyond: float | None = 2.0,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.committee = Committee.opened(committee, device, member)
        self.warn_beyond = warn_beyond
        self._fixed = None if outputs is None else self._checked(outputs)
        self._kept = KeptPairs(skin)
        self.field = field

    @property
    def field(self) -> np.ndarray | None:
        """The electric field (3,) in V/Å, a copy; None without."""
        return None if self._field is None else self._field.vector.copy()

    @field.setter
    def field(self, vector: Sequence[float] | np.ndarray | None) -> None:
        self._field = None if vector is None else self.committee.in_field(vector)
        self._offers = self.committee.offers
        if self._field is not None:
            self._offers = self._field.offered(self._offers)
        chosen = self._offers if self._fixed is None else self._offers & self._fixed
        # Of this calculator, in place of what some calculator of the class may offer.
        self.implemented_properties = [
            name for name in type(self).implemented_properties if _ours(name) in chosen
        ]
        self.results = {}

    def get_property(
        self, name: str, atoms: Atoms | None = None, allow_calculation: bool = True
    ) -> float | np.ndarray | None:
        """As in ASE; a property that is not to be had is answered by a sentence."""
        try:
            value = super().get_property(name, atoms, allow_calculation)
        except PropertyNotImplementedError:
            raise PropertyNotImplementedError(self._why_absent(name)) from None
        if name == "born_effective_charges" and value is not None:
            return value.reshape(-1, 3, 3)
        return value

    def calculate(
        self,
        atoms: Atoms | None = None,
        properties: Collection[str] | None = None,
        system_changes: Collection[str] = all_changes,
    ) -> None:
        """Add the properties asked for, or all, to what is known of the same atoms."""
        if system_changes or (atoms is not None and self.check_state(atoms)):
            self.results = {}  # a frame of other periodicity has other results
        super().calculate(atoms, properties, system_changes)
        assert self.atoms is not None  # ASE copied it just now
        asked = frozenset(_ours(name) for name in properties or self.implemented_properties)
        if self._fixed is not None:
            asked = self._fixed
        elif asked & _TOGETHER:
            asked |= _TOGETHER
        [prediction] = self.committee.predict(
            [self.atoms], asked, field=self._field, kept=[self._kept]
        )
        for name in prediction.mean:
            self._take(name, prediction)
        if "energy" in prediction.mean:
            self.results["free_energy"] = self.results["energy"]
        self._warn(prediction, self.atoms.get_chemical_symbols())

    def _take(self, name: str, prediction: Prediction) -> None:
        """Put a quantity, its spread and its expected error among the results."""
        mean = prediction.mean[name]
        if name == "stress":
            mean = full_3x3_to_voigt_6_stress(mean)
        key = "born_effective_charges" if name == "bec" else name
        self.results[key] = _plain(mean.reshape(-1, 9) if name == "bec" else mean)
        if name in prediction.std:
            self.results[f"{key}_std"] = _plain(prediction.std[name])
        if name in prediction.expected_error:
            self.results[f"{key}_expected_error"] = _plain(prediction.expected_error[name])

    def _warn(self, prediction: Prediction, symbols: Sequence[str]) -> None:
        """Say once that the committee is far from all that calibrated it."""
        if self.warn_beyond is None:
            return
        excess = largest_excess(self.committee.calibration, prediction, symbols)
        if excess is not None and excess.ratio > self.warn_beyond:
            self.warn_beyond = None
            warnings.warn(str(excess), ExtrapolationWarning, stacklevel=2)

    def _checked(self, outputs: Collection[str]) -> frozenset[str]:
        """The outputs by our names."""
        if unknown := set(outputs) - set(type(self).implemented_properties):
            raise UserError(
                f"outputs: there is no {', '.join(sorted(unknown))}; choose from "
                f"{', '.join(type(self).implemented_properties)}"
            )
        found = frozenset(_ours(name) for name in outputs)
        self.committee.require(found)
        return found

    def _why_absent(self, name: str) -> str:
        ours = _ours(name)
        if ours not in QUANTITIES:
            return f"no {name}: this calculator has {', '.join(self.implemented_properties)}"
        if ours in PROPERTIES and ours not in self.committee.offers:
            return self.committee.why_not(ours)
        if ours in self.committee.offers and ours not in self._offers:
            return why_no_potential(name)
        if name not in self.implemented_properties:
            return f"no {name}: this calculator has {', '.join(self.implemented_properties)} alone"
        if name == "dipole":
            return (
                "no dipole: that of a periodic frame is known up to a quantum only; take Born "
                "effective charges Z = ∂P/∂R (born_effective_charges)"
            )
        return f"no {name}: the frame is free; give it a cell and pbc True"


def _ours(name: str) -> str:
    """Our name of what ASE calls so."""
    return _OURS.get(name, name)


def _plain(value: np.ndarray) -> float | np.ndarray:
    """Numbers as ASE has them, which are not arrays of no dimension."""
    return float(value) if np.ndim(value) == 0 else value

"""A committee as an ASE calculator."""

from pathlib import Path

import numpy as np
from ase import Atoms
from ase.calculators.calculator import Calculator, all_changes
from ase.stress import full_3x3_to_voigt_6_stress

from activecharge.committee.committee import Committee

_NAMES = {"bec": "born_effective_charges"}
"""Where ASE's name of a property is not ours."""


class ChargeCalculator(Calculator):
    """Energy, forces, charges and their responses from a committee's mean, with spreads.

    `results` holds ASE's names: energy and free_energy, which are one (eV), forces (N, 3) (eV/Å),
    charges (N,) (e), dipole (3,) (e·Å, free frames), stress (6,) (eV/Å³, periodic frames),
    born_effective_charges (N, 3, 3) (e, [polarization, displacement]); the members' spread of
    each as `<name>_std`, in its unit (of charges and Born effective charges alone where it comes
    from a last layer); and, of a committee that a campaign has calibrated, the root
    mean square error to expect as `<name>_expected_error` (NaN for atoms of elements it is not
    calibrated for). ASE stores all but these two in its own `.traj` files; its extxyz writer takes
    no (N, 3, 3) results and needs `write_results=False`.

    Parameters
    ----------
    committee : Committee or path-like
        A committee, or the folder of one.
    device : str
        torch device, where a folder is given.

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
    ]

    def __init__(self, committee: Committee | Path | str, device: str = "cpu", **kwargs):
        super().__init__(**kwargs)
        self.committee = (
            committee if isinstance(committee, Committee) else Committee.load(committee, device)
        )

    def calculate(
        self,
        atoms: Atoms | None = None,
        properties: list[str] | None = None,
        system_changes: list[str] = all_changes,
    ) -> None:
        """Predict everything in one pass, so that results always belong together."""
        super().calculate(atoms, properties, system_changes)
        assert self.atoms is not None  # ASE copied it just now
        [prediction] = self.committee.predict([self.atoms])
        self.results = {}  # a frame of other periodicity has other results
        for name, mean in prediction.mean.items():
            if name == "stress":
                mean = full_3x3_to_voigt_6_stress(mean)
            key = _NAMES.get(name, name)
            self.results[key] = _plain(mean)
            if name in prediction.std:
                self.results[f"{key}_std"] = _plain(prediction.std[name])
            if name in prediction.expected_error:
                self.results[f"{key}_expected_error"] = _plain(prediction.expected_error[name])
        self.results["free_energy"] = self.results["energy"]


def _plain(value: np.ndarray) -> float | np.ndarray:
    """Numbers as ASE has them, which are not arrays of no dimension."""
    return float(value) if np.ndim(value) == 0 else value

"""A committee as a driver of i-PI, for path integrals and dynamics in fields.

i-PI: Litman, Kapil, Feldman et al., J. Chem. Phys. 161, 062504 (2024),
https://doi.org/10.1063/5.0215869. It finds this file by its path:

    <ffdirect name="committee">
      <pes>custom</pes> <pes_path>.../activecharge/engines/ipi_driver.py</pes_path>
      <parameters>{committee: water.acx, template: start.xyz}</parameters>
    </ffdirect>

`i-pi-driver-py -m custom -P .../ipi_driver.py -o committee=water.acx,template=start.xyz` is the
same through a socket.
"""

import json
from pathlib import Path

import numpy as np
from ase import Atoms
from ase.io import read

from activecharge.committee.committee import Committee
from activecharge.engines.answers import Answers
from activecharge.errors import UserError
from activecharge.records import Prediction
from activecharge.units import BOHR, HARTREE

__DRIVER_NAME__ = "activecharge"
__DRIVER_CLASS__ = "ChargeDriver"

PATH = str(Path(__file__).resolve())
"""For `pes_path`."""

Answer = tuple[np.float64, np.ndarray, np.ndarray, str]
"""Energy in hartree, forces (N, 3) in hartree/bohr, virial (3, 3) in hartree, extras as JSON."""


class ChargeDriver:
    """Energy, forces, virial and extras of frames in atomic units, as i-PI asks for them.

    `extras` is JSON text: `BEC`, Z as (3N, 3), rows displacement and columns polarization, in e,
    which i-PI's dynamics in fields takes (`<bec mode="driver"/>`); charges (N,) in e;
    `forces_std` (N,) in hartree/bohr, the members' spread; dipole (3,) in e·bohr of free frames.

    Parameters
    ----------
    committee : Committee or path-like
        A committee, its folder, a run directory, or a packed file.
    template : path-like or ase.Atoms
        A frame with i-PI's atoms in i-PI's order. It is free or periodic as its `pbc` says; i-PI
        has a cell around either.
    device : str
        torch device.
    member : int, optional
        Which member alone to ask, counting from 0.
    bec : bool
        Whether extras have Z and the dipole, which cost as much again as forces, or more.
    settings
        Further ones, of i-PI's own, are passed over.

    Raises
    ------
    UserError
        If there is no such committee or template, or the committee offers no energy and forces.
    """

    def __init__(
        self,
        committee: Committee | Path | str,
        template: Atoms | Path | str,
        device: str = "cpu",
        member: int | None = None,
        bec: bool | str = True,
        **settings: object,
    ):
        wanted = {"energy", "forces", "stress", "charges"}
        if str(bec).strip().lower() not in ("false", "no", "0"):
            wanted |= {"bec", "dipole"}
        alone = None if member is None else int(member)
        self._answers = Answers(committee, wanted, device, alone)
        self._answers.committee.require(("energy",))
        self._frame = template if isinstance(template, Atoms) else _read(template)

    def __call__(
        self, cell: np.ndarray | list[np.ndarray], pos: np.ndarray | list[np.ndarray]
    ) -> Answer | list[Answer]:
        """Of one frame, or of a batch.

        Parameters
        ----------
        cell : (3, 3) bohr
            Lattice vectors as columns.
        pos : (N, 3) bohr
        """
        if isinstance(cell, list):
            return self._answer(cell, list(pos))
        return self._answer([cell], [np.asarray(pos)])[0]

    def _answer(self, cells: list[np.ndarray], positions: list[np.ndarray]) -> list[Answer]:
        frames = []
        for cell, place in zip(cells, positions, strict=True):
            frame = self._frame.copy()
            if len(place) != len(frame):
                raise UserError(
                    f"template: has {len(frame)} atoms, and i-PI {len(place)}; give the frame that "
                    "i-PI starts from"
                )
            frame.positions = np.asarray(place) * BOHR
            frame.cell = np.asarray(cell).T * BOHR if frame.pbc.all() else None
            frames.append(frame)
        return [_translate(*pair) for pair in zip(frames, self._answers(frames), strict=True)]


def _translate(frame: Atoms, said: Prediction) -> Answer:
    """In atomic units."""
    virial = np.zeros((3, 3))
    if "stress" in said.mean:
        virial = -said.mean["stress"] * frame.get_volume() / HARTREE
    extras = {}
    if "bec" in said.mean:
        bec = said.mean["bec"]
        # The sum over atoms is zero but for rounding, which i-PI takes for an error where the
        # models are in single precision.
        bec = bec - bec.mean(axis=0)
        extras["BEC"] = bec.transpose(0, 2, 1).reshape(-1, 3).tolist()
    if "charges" in said.mean:
        extras["charges"] = said.mean["charges"].tolist()
    if "dipole" in said.mean:
        extras["dipole"] = (said.mean["dipole"] / BOHR).tolist()
    if "forces" in said.std:
        extras["forces_std"] = (said.std["forces"] * BOHR / HARTREE).tolist()
    energy, forces = said.mean["energy"] / HARTREE, said.mean["forces"] * BOHR / HARTREE
    return np.float64(energy), forces, virial, json.dumps(extras)


def _read(path: Path | str) -> Atoms:
    try:
        frame = read(path, index=0)
    # ASE's readers fail in ways of their own.
    except Exception as error:
        raise UserError(f"{path}: not a frame that ASE reads ({error})") from error
    if not isinstance(frame, Atoms):
        raise UserError(f"{path}: has no frame")
    return frame

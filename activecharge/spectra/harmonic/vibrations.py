"""Harmonic vibrations of clusters by a committee: relax, differentiate forces, ask for Z."""

import copy
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from statistics import NormalDist

import numpy as np
from ase import Atoms
from ase.optimize import BFGS

from activecharge.calculator import ChargeCalculator
from activecharge.committee.committee import Committee
from activecharge.dataset.frames import read_frames
from activecharge.dataset.identity import canonical
from activecharge.errors import BrokenGeometry, UserError
from activecharge.model.last_layer import LastLayer
from activecharge.spectra.error_bars import NOMINAL, range_of_draw
from activecharge.spectra.harmonic.normal_modes import (
    Modes,
    harmonic_modes,
    hessian,
    match,
    sets_of,
    shared_intensity,
)
from activecharge.spectra.harmonic.vibration_records import Vibrations
from activecharge.spectra.spectra_options import VibrationsOptions


def vibrations(
    committee: Committee | Path | str,
    start: Atoms | Path | str,
    options: VibrationsOptions | None = None,
    device: str = "cpu",
    frame: int | None = None,
) -> Vibrations:
    """Relax a free cluster by the members' mean and find its harmonic modes and intensities.

    Modes are those at the mean's minimum, where each member's own Hessian and Born effective
    charges give the spread: members at minima of their own would be at other geometries. All is
    computed in double precision, whatever the weights are stored in.

    Parameters
    ----------
    committee : Committee or path-like
    start : ase.Atoms or path-like
        Where the relaxation begins; isotopes by masses.
    options : VibrationsOptions, optional
    device : str
        torch device, where the committee is given by a folder.
    frame : int, optional
        Which frame of a file that holds many, counting from 0.

    Returns
    -------
    Vibrations

    Raises
    ------
    UserError
        If the frame is periodic, has one atom, or does not come to rest, or the committee offers
        no forces or no Born effective charges.
    """
    options = options or VibrationsOptions()
    known = Committee.opened(committee, device)
    known.require(("forces", "bec"))
    whole = in_double(known)
    atoms = _start(start, frame, known.elements)
    largest = relax(atoms, whole, options)
    return modes_at(atoms, whole, options, largest)


def in_double(committee: Committee) -> Committee:
    """A committee of the same weights that computes in double precision."""
    models = [copy.deepcopy(model).double() for model in committee.members]
    if len(models) > 1:
        return Committee(models, committee.calibration)
    # A single one needs a last layer, whose spreads are not asked for.
    return Committee(models, committee.calibration, LastLayer({}, {}))


def relax(atoms: Atoms, committee: Committee, options: VibrationsOptions) -> float:
    """Move the atoms to the mean's minimum in place; the largest force left, eV/Å."""
    # A copy, so that masses and positions alone are what is left of the run.
    moving = atoms.copy()
    moving.calc = ChargeCalculator(committee, outputs=("energy", "forces"))
    try:
        BFGS(moving, logfile=None).run(fmax=options.fmax, steps=options.steps)
    except BrokenGeometry as error:
        raise UserError(
            f"relaxing broke the cluster ({error}); start nearer to a minimum, or have the "
            "committee learn more"
        ) from error
    largest = float(np.linalg.norm(moving.get_forces(), axis=1).max())
    if not largest <= options.fmax:  # nor where it is no number
        raise UserError(
            f"the cluster did not come to rest: after {options.steps} steps the largest force is "
            f"{largest:.2g} eV/Å, not {options.fmax:g}; allow more (--steps), ask for less "
            "(--fmax), or start nearer to a minimum"
        )
    atoms.positions = moving.positions - moving.get_center_of_mass()
    return largest


def modes_at(
    atoms: Atoms, committee: Committee, options: VibrationsOptions, largest_force: float = np.nan
) -> Vibrations:
    """Modes and intensities of each member and of their mean where the atoms are."""
    members = [committee.member(index) for index in range(len(committee.members))]
    curvatures = [
        hessian(atoms, partial(_forces, member), options.displacement) for member in members
    ]
    charges = [member.predict([atoms], {"bec"})[0].mean["bec"] for member in members]
    place = atoms.positions, atoms.get_masses()
    mean = harmonic_modes(np.mean(curvatures, axis=0), np.mean(charges, axis=0), *place)
    each = [harmonic_modes(h, z, *place) for h, z in zip(curvatures, charges, strict=True)]
    found = _together(atoms, mean, each, options)
    return replace(
        found,
        largest_force=largest_force,
        forces_factor=calibrated(committee, [atoms], "forces"),
        bec_factor=calibrated(committee, [atoms], "bec"),
    )


def calibrated(committee: Committee, frames: Sequence[Atoms], name: str) -> float:
    """What calibration makes of a half-width that rests on the members' spread alone.

    It knows the root mean square error for a spread of a property, which with the Gaussian's
    quantile takes the place of Student's range. 1 without a calibration.
    """
    said = committee.predict(frames, {name})
    if any(name not in p.expected_error for p in said) or len(committee.members) < 2:
        return 1.0
    expected = np.mean([np.mean(p.expected_error[name] ** 2) for p in said])
    spread = np.mean([np.mean(p.std[name] ** 2) for p in said])
    if not (expected > 0 and spread > 0):  # nor where an element is not calibrated
        return 1.0
    gaussian = NormalDist().inv_cdf((1 + NOMINAL) / 2)
    return float(gaussian * np.sqrt(expected / spread) / range_of_draw(len(committee.members)))


def _together(
    atoms: Atoms, mean: Modes, members: list[Modes], options: VibrationsOptions
) -> Vibrations:
    """The mean's modes, and the members' in their order."""
    sets = sets_of(mean.wavenumber, options.degenerate)
    orders = [match(mean, other, sets) for other in members]
    pairs = list(zip(members, orders, strict=True))
    return Vibrations(
        atoms=atoms,
        wavenumber=mean.wavenumber,
        intensity=shared_intensity(mean.intensity, sets),
        wavenumber_members=np.array([other.wavenumber[order] for other, order in pairs]),
        intensity_members=np.array(
            [shared_intensity(other.intensity[order], sets) for other, order in pairs]
        ),
        overlap=np.array([_overlap(mean, other, order, sets) for other, order in pairs]),
        sets=sets,
        vectors=mean.vectors,
        options=options,
    )


def _overlap(mean: Modes, other: Modes, order: np.ndarray, sets: np.ndarray) -> np.ndarray:
    squared = np.einsum("kib,lib->kl", mean.vectors, other.vectors[order]) ** 2
    return np.array([squared[sets == group, place].sum() for place, group in enumerate(sets)])


def _forces(member: Committee, frames: list[Atoms]) -> list[np.ndarray]:
    return [said.mean["forces"] for said in member.predict(frames, {"forces"})]


def _start(start: Atoms | Path | str, frame: int | None, elements: tuple[str, ...]) -> Atoms:
    """The frame to relax, checked."""
    if isinstance(start, Atoms):
        where, found = "the frame", start
    else:
        where, found = _one_frame(Path(start), frame)
    atoms = canonical(found, where, elements)
    if atoms.pbc.any():
        raise UserError(
            f"{where}: is periodic, and vibrations are those of free clusters; give pbc=F F F, or "
            "for a cell make the spectrum of a simulation (`activecharge simulate`, `activecharge "
            "spectrum`)"
        )
    if len(atoms) < 2:
        raise UserError(f"{where}: one atom has no vibrations; give a molecule or a cluster")
    return atoms


def _one_frame(path: Path, frame: int | None) -> tuple[str, Atoms]:
    frames = list(read_frames(path))
    if not frames:
        raise UserError(f"{path}: holds no frames; give a file with one")
    if frame is None and len(frames) > 1:
        raise UserError(
            f"{path}: holds {len(frames)} frames; say which by --frame, counting from 0"
        )
    try:
        return frames[frame or 0]
    except IndexError as error:
        raise UserError(
            f"{path}: has no frame {frame}, counting from 0; it holds {len(frames)}"
        ) from error

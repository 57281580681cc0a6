"""From simulations to an infrared spectrum with error bars."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from scipy.integrate import trapezoid

from activecharge.errors import UserError
from activecharge.spectra import optics
from activecharge.spectra.error_bars import Ensemble, Uncertain
from activecharge.spectra.peaks import find_peaks, measure_near, reaches_of
from activecharge.spectra.power import (
    grid,
    highest_wavenumber,
    power,
    segment_length,
    undo_steps,
)
from activecharge.spectra.spectra_options import SpectrumOptions
from activecharge.spectra.spectrum_records import Area, Peak, Spectrum
from activecharge.spectra.trajectories import System, Trajectory, read_system
from activecharge.units import LIGHT, PER_CM

ENOUGH = 4
"""Trajectories of each driver from which on whole ones are the units of statistics: parts of one
may share what dynamics without a thermostat keeps, such as the energy of a mode."""

MOST_BLOCKS = 8


def spectrum(
    simulations: Path | str | Sequence[Path | str], options: SpectrumOptions | None = None
) -> Spectrum:
    """Make an infrared spectrum of simulations.

    Parameters
    ----------
    simulations : path-like or sequence of path-like
        Folders that `activecharge simulate` wrote, of one system. All replicas that the members'
        mean drives make the spectrum; those that single members drive tell how sure it is.
    options : SpectrumOptions, optional

    Returns
    -------
    Spectrum

    Raises
    ------
    UserError
        If they are no simulations of one system, too short for the resolution, or too coarse for
        the highest wavenumber.
    """
    options = options or SpectrumOptions()
    folders = [simulations] if isinstance(simulations, Path | str) else list(simulations)
    return spectrum_of(read_system(folders, options.stage, options.skip), options)


def spectrum_of(system: System, options: SpectrumOptions) -> Spectrum:
    """Make the spectrum of trajectories in memory; see `spectrum`."""
    _check_spacing(system, options)
    length = segment_length(options.window, options.resolution, system.spacing)
    blocks = _blocks(system, length, options)
    x, ensemble = _ensemble(system, length, blocks, options)
    temperature, volume = options.temperature or system.temperature, system.volume
    to_absorption = optics.quantum_factor(x, temperature, options.correction)
    ensemble = Ensemble(
        {
            driver: optics.absorption(units * to_absorption, temperature, volume)
            if volume
            else optics.cross_section(units * to_absorption, temperature)
            for driver, units in ensemble.units.items()
        },
        ensemble.members,
    )
    absorption = ensemble.measure(lambda y: y)
    lowest = options.lowest or 2 * options.resolution
    central = system.central
    return Spectrum(
        periodic=volume is not None,
        wavenumber=x,
        absorption=absorption,
        susceptibility=absorption.scaled(optics.susceptibility(np.ones_like(x), x))
        if volume
        else None,
        permittivity=_permittivity(x, ensemble, lowest) if volume else None,
        lowest=lowest,
        peaks=_peaks(x, ensemble, lowest, options),
        areas=_areas(x, ensemble, volume, options),
        temperature=temperature,
        volume=volume,
        formula=system.formula,
        members=system.members,
        trajectories=len(central),
        length=1e-3 * system.spacing * sum(len(t.current) for t in central),
        units=sum(map(len, ensemble.central)),
        resolution=options.resolution,
        options=options,
        notes=(*system.notes, *_notes(system, ensemble)),
    )


def _check_spacing(system: System, options: SpectrumOptions) -> None:
    reach = highest_wavenumber(system.spacing)
    if options.step_correction:
        reach = float(undo_steps(np.array(reach), np.array(0.0), system.timestep)[0])
    if options.upto > reach:
        most = 1 / (2 * LIGHT * PER_CM * options.upto)
        raise UserError(
            f"a current every {system.spacing:g} fs says nothing of wavenumbers above "
            f"{reach:.0f} cm⁻¹ (Nyquist), and {options.upto:g} are asked for; record it every "
            f"{0.9 * most:.2g} fs or more often, or ask for fewer (--upto)"
        )


def _blocks(system: System, length: int, options: SpectrumOptions) -> int:
    """Parts that each trajectory is cut into, each as long as a segment at least."""
    shortest = min(len(t.current) for t in system.trajectories)
    fit = shortest // length
    wanted = options.blocks or 1
    if fit < wanted:
        have, need = (1e-3 * system.spacing * n for n in (shortest, length * wanted))
        finest = options.resolution * length * wanted / shortest
        inside = f" in {wanted} blocks" if wanted > 1 else ""
        raise UserError(
            f"a resolution of {options.resolution:g} cm⁻¹{inside} takes {need:.3g} ps by this "
            f"window ({options.window}), and a trajectory has {have:.3g} ps; simulate longer, or "
            f"ask for --resolution {np.ceil(finest * 1.01):.0f} or more"
        )
    return options.blocks or min(fit, MOST_BLOCKS)


def _ensemble(
    system: System, length: int, blocks: int, options: SpectrumOptions
) -> tuple[np.ndarray, Ensemble]:
    """Wavenumbers (F,) in cm⁻¹, and S(ω) in (e·Å)²/fs at the mean temperature."""
    raw = grid(length, options.window, system.spacing)
    timestep = system.timestep if options.step_correction else 0.0
    # Nyquist's own point has no sense with steps of the same length.
    keep = raw < 0.999 * highest_wavenumber(system.spacing)
    x, jacobian = raw[keep], np.ones(keep.sum())
    if timestep:
        x, jacobian = undo_steps(x, jacobian, timestep)
    inside = x <= options.upto
    units: dict[int | None, list[np.ndarray]] = {}
    for trajectory in system.trajectories:
        parts = [
            power(part, system.spacing, length, options.window)[:, keep][:, inside]
            for part in _parts(trajectory, blocks)
        ]
        # Without a thermostat, each trajectory has a temperature of its own.
        own = 1.0 if options.temperature else system.temperature / trajectory.temperature
        units.setdefault(trajectory.driver, []).append(own * jacobian[inside] * np.array(parts))
    found = {driver: _independent(of) for driver, of in units.items()}
    return x[inside], Ensemble(found, system.members)


def _independent(trajectories: list[np.ndarray]) -> np.ndarray:
    """Whole trajectories, or parts where there are few, as units of statistics."""
    if len(trajectories) >= ENOUGH:
        return np.array([parts.mean(axis=0) for parts in trajectories])
    return np.concatenate(trajectories)


def _parts(trajectory: Trajectory, blocks: int) -> list[np.ndarray]:
    """Currents (T, M + 1, 3) of equal parts, the mean over members behind them."""
    current = trajectory.current
    with_mean = np.concatenate([current, current.mean(axis=1, keepdims=True)], axis=1)
    size = len(current) // blocks
    return [with_mean[size * block : size * (block + 1)] for block in range(blocks)]


def _peaks(
    x: np.ndarray, ensemble: Ensemble, lowest: float, options: SpectrumOptions
) -> tuple[Peak, ...]:
    y = ensemble.mean()
    tops = find_peaks(x, y, lowest, options.prominence, options.resolution)
    if not tops:
        return ()
    shapes = measure_near(x, y, [(x[max(top - 1, 0)], x[min(top + 1, len(x) - 1)]) for top in tops])
    reaches = reaches_of(shapes, 2 * options.resolution)
    found = ensemble.measure(lambda curve: measure_near(x, curve, reaches).ravel())
    return tuple(
        Peak(*(found.part(3 * peak + number) for number in range(3)))
        for peak in range(len(tops))
        if np.isfinite(found.value[3 * peak])
    )


def _areas(
    x: np.ndarray, ensemble: Ensemble, volume: float | None, options: SpectrumOptions
) -> tuple[Area, ...]:
    bands = [(low, min(high, options.upto)) for low, high in options.bands if low < options.upto]
    if not bands:
        return ()

    def measure(y: np.ndarray) -> np.ndarray:
        return np.array([integral(x, y, low, high) for low, high in bands])

    # A cross section over wavenumbers, Å²/cm, in km/mol.
    found = ensemble.measure(measure).scaled(1.0 if volume else optics.KM_PER_MOL * PER_CM)
    return tuple(Area(*band, found.part(place)) for place, band in enumerate(bands))


def integral(x: np.ndarray, y: np.ndarray, low: float, high: float) -> float:
    """∫ y dx from `low` to `high` of a curve that is straight between its points."""
    inner = x[(x > low) & (x < high)]
    ends = np.concatenate([[low], inner, [min(high, x[-1])]])
    return float(trapezoid(np.interp(ends, x, y), ends))


def _permittivity(x: np.ndarray, ensemble: Ensemble, lowest: float) -> Uncertain:
    above = x >= lowest

    def measure(y: np.ndarray) -> np.ndarray:
        return np.atleast_1d(optics.ionic_permittivity(y[above], x[above]))

    return ensemble.measure(measure).part(0)


def _notes(system: System, ensemble: Ensemble) -> list[str]:
    """What error bars lack."""
    notes = []
    if len(system.members) < 2:
        notes.append("one member has no spread: the error bars lack that of the charges")
    if len([driver for driver in ensemble.units if driver is not None]) < 2:
        notes.append(
            "no two members drove trajectories of their own (`simulate --set forces=each`): the "
            "error bars lack the uncertainty of forces"
        )
    if min(map(len, ensemble.central)) < 2:
        notes.append("too few trajectories or blocks to compare: the error bars lack statistics")
    return notes

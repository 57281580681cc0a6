"""Energies per element and neighbours, from which a training starts."""

from dataclasses import replace

import numpy as np
import pytest
from ase.build import molecule
from learning_cases import ELEMENTS, synthetic, waters

from activecharge.learning.baseline import fit_architecture
from activecharge.learning.batches import make_batch
from activecharge.model.model_options import ModelOptions
from activecharge.units import COULOMB

E0 = {"H": -13.6, "O": -2041.5}


def labelled(atoms, charges=None, extra=0.0, exclusion=0.0):
    """Energy Σ E0 + Coulomb energy of the charges, faded within the exclusion, + extra."""
    energy = sum(E0[symbol] for symbol in atoms.symbols) + extra
    values = {}
    if charges is not None:
        i, j = np.triu_indices(len(atoms), 1)
        distances = atoms.get_all_distances()[i, j]
        x = np.minimum(distances / exclusion, 1) if exclusion else np.ones_like(distances)
        fade = 21 * x**5 - 35 * x**6 + 15 * x**7
        energy += COULOMB * np.sum(fade * charges[i] * charges[j] / distances)
        values["charges"] = charges
    return replace(synthetic(atoms), values=values | {"energy": np.array(energy)})


def frames(charged: bool, exclusion: float = 0.0):
    """Water, hydrogen, oxygen and peroxide: both elements are determined."""
    for name in ("H2O", "H2", "O2", "H2O2"):
        atoms = molecule(name)
        charges = np.random.default_rng(len(atoms)).normal(size=len(atoms)) if charged else None
        yield labelled(atoms, charges, exclusion=exclusion)


def fit(labels, **options):
    settings = ModelOptions(**{"cutoff": 4.0, "coulomb_exclusion": 0.0} | options)
    return fit_architecture(
        [make_batch(label, ELEMENTS, 4.0) for label in labels], settings, ELEMENTS
    )


@pytest.mark.parametrize(("charged", "exclusion"), [(False, 0.0), (True, 0.0), (True, 2.0)])
def test_energies_per_element_are_recovered(charged, exclusion):
    baseline = fit(frames(charged, exclusion), coulomb_exclusion=exclusion).baseline
    # Rounding of energies of 4e3 eV, and nothing else.
    assert baseline == pytest.approx([E0["H"], E0["O"]], abs=1e-9)


def test_frames_without_charges_do_not_shift_those_with():
    """Charges hold eV of Coulomb energy per molecule, which a frame without them lacks."""
    labels = [*frames(charged=True), labelled(molecule("H2O"), extra=-5.0)]
    assert fit(labels).baseline == pytest.approx([E0["H"], E0["O"]], abs=1e-9)


def test_latent_charges_start_from_the_energies_alone():
    labels = [*frames(charged=False)]
    charged = [
        replace(label, values=label.values | {"charges": np.ones(len(label.candidate.atoms))})
        for label in labels
    ]
    baseline = fit(charged, charges="latent").baseline
    assert baseline == pytest.approx([E0["H"], E0["O"]], abs=1e-9)


def test_one_composition_gives_the_smallest_energies():
    baseline = fit([labelled(molecule("H2O"))]).baseline
    total = 2 * E0["H"] + E0["O"]
    # The shortest vector with 2 h + o = total is total (2, 1)/5.
    assert baseline == pytest.approx([0.4 * total, 0.2 * total], rel=1e-12)


def test_missing_energies_are_left_out():
    labels = [*frames(charged=True), synthetic(waters(2, 1), without=("energy",))]
    assert fit(labels).baseline == pytest.approx([E0["H"], E0["O"]], abs=1e-9)
    assert fit(labels[-1:]).baseline == (0.0, 0.0)


def test_neighbours_are_counted_per_atom():
    assert fit([labelled(molecule("H2O"))]).avg_neighbors == 2.0
    assert fit([labelled(molecule("H2"))]).avg_neighbors == 1.0

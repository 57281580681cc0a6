"""What a model starts from: energy per element and the mean number of neighbours."""

from collections.abc import Sequence

import numpy as np
import torch

from activecharge.learning.batches import Batch
from activecharge.model.coulomb.electrostatics import Electrostatics
from activecharge.model.geometry import trace_geometry
from activecharge.model.model_options import ModelOptions
from activecharge.model.network import Architecture


def fit_architecture(
    batches: Sequence[Batch], options: ModelOptions, elements: Sequence[str]
) -> Architecture:
    """Architecture with statistics of single-frame training batches (double precision).

    E0 per element is the least-squares fit of the energies to the composition; when all
    frames have one composition ratio, as in water, the smallest such E0. Where the model will
    learn reference charges, the frames that have them decide, less the Coulomb energy of those
    charges, since the model adds its own.
    """
    known = [batch for batch in batches if torch.isfinite(batch.targets["energy"]).all()]
    charged = [batch for batch in known if torch.isfinite(batch.targets["charges"]).all()]
    subtract = options.charges == "reference" and bool(charged)
    used = charged if subtract else known
    baseline = np.zeros(len(elements))
    if used:
        rows = [np.bincount(b.graph.species.numpy(), minlength=len(elements)) for b in used]
        energies = np.array([float(batch.targets["energy"]) for batch in used])
        if subtract:
            energies -= [_coulomb_energy(batch, options) for batch in used]
        baseline = np.linalg.lstsq(np.array(rows, dtype=float), energies, rcond=None)[0]
    edges = sum(batch.graph.edges.shape[1] for batch in batches)
    atoms = sum(len(batch.graph.positions) for batch in batches)
    return Architecture(
        options=options,
        elements=tuple(elements),
        avg_neighbors=max(edges / atoms, 1.0),
        baseline=tuple(float(value) for value in baseline),
    )


def _coulomb_energy(batch: Batch, options: ModelOptions) -> float:
    """Coulomb energy of one frame's reference charges in eV."""
    graph = batch.graph
    geometry = trace_geometry(graph, displacement=False, strain=False)
    electrostatics = Electrostatics(
        options.cutoff, options.coulomb_exclusion, options.coulomb_accuracy
    ).to(graph.cell.dtype)
    return float(electrostatics(graph, batch.targets["charges"], geometry))

"""What a model starts from: energy per element and the mean number of neighbours."""

from collections.abc import Sequence

import numpy as np
import torch

from activecharge.learning.batches import Batch
from activecharge.model.electrostatics import Electrostatics
from activecharge.model.network import Architecture
from activecharge.model.options import ModelOptions


def fit_architecture(
    batches: Sequence[Batch], options: ModelOptions, elements: Sequence[str]
) -> Architecture:
    """Architecture with statistics of single-frame training batches (double precision).

    E0 per element is the least-squares fit of the energies to the composition; when all
    frames have one composition ratio, as in water, the smallest such E0. The Coulomb energy
    of the reference charges, where known, is taken off first, since the model adds its own.
    """
    rows, energies = [], []
    electrostatics = Electrostatics(options.cutoff).double()
    for batch in batches:
        energy = float(batch.targets["energy"][0])
        if not np.isfinite(energy):
            continue
        charges = batch.targets["charges"]
        if torch.isfinite(charges).all():
            graph = batch.graph
            sender, receiver = graph.edges
            vectors = graph.positions[receiver] - graph.positions[sender]
            lengths = torch.linalg.vector_norm(vectors + graph.shifts @ graph.cell[0], dim=1)
            energy -= float(electrostatics(graph, charges, graph.positions, graph.cell, lengths))
        rows.append(np.bincount(batch.graph.species.numpy(), minlength=len(elements)))
        energies.append(energy)
    baseline = np.zeros(len(elements))
    if rows:
        baseline = np.linalg.lstsq(np.array(rows, float), np.array(energies), rcond=None)[0]
    edges = sum(batch.graph.edges.shape[1] for batch in batches)
    atoms = sum(len(batch.graph.positions) for batch in batches)
    return Architecture(
        options=options,
        elements=tuple(elements),
        avg_neighbors=max(edges / atoms, 1.0),
        baseline=tuple(float(value) for value in baseline),
    )

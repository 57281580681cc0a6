"""How finely Coulomb sums of periodic frames are resolved, from the accuracy asked for.

Error estimates after Kolafa and Perram, Mol. Simul. 9, 351 (1992)
(https://doi.org/10.1080/08927029208049126): with random charges of root mean square q at distances
a = (V/N)^⅓, the forces that cutting the real-space sum at R and the waves at K leave out are,
relative to q²/a², 2 (a/R)^½ exp(−R²/2σ²) and (2a/σ²K)^½ exp(−σ²K²/2).
"""

import math
from dataclasses import dataclass

TAILS = 0.3
"""Share of the allowed error that the neglected tails of both sums may take; they are cheap."""

MESH_ORDER = 5
"""Nodes per axis over which a charge is spread on a mesh."""

TYPICAL_ACCURACY = 1e-4
"""What models are asked for unless told otherwise."""

MESH_ERROR = 0.04
"""Error of the mesh's forces, relative to the whole forces, over (spacing/σ)⁵ (measured)."""


@dataclass(frozen=True)
class Convergence:
    """Parameters of the Ewald and mesh sums.

    Attributes
    ----------
    accuracy : float
        Root mean square error of the forces, relative to their root mean square.
    cutoff : float
        Radius of the real-space sum in Å.
    smearing : float
        Width σ of the screening Gaussians in Å.
    largest_wave : float
        Largest wave number of the Ewald sum in 1/Å.
    spacing : float
        Largest distance of mesh points in Å.
    """

    accuracy: float
    cutoff: float
    smearing: float
    largest_wave: float
    spacing: float

    def __str__(self) -> str:
        return (
            f"forces to {self.accuracy:g} of their size: real space to {self.cutoff:g} Å, "
            f"Gaussians of {self.smearing:.3g} Å, waves to {self.largest_wave:.3g}/Å, "
            f"in large cells a mesh of at most {self.spacing:.3g} Å"
        )


def converge(cutoff: float, accuracy: float) -> Convergence:
    """Parameters that reach a relative force error in every cell whose a is below the cutoff.

    With K = R/σ², both tails are as steep, x = R/σ = σK, and together below √6 exp(−x²/2).
    """
    x = math.sqrt(2 * math.log(math.sqrt(6) / (TAILS * accuracy)))
    smearing = cutoff / x
    spacing = smearing * (accuracy / MESH_ERROR) ** (1 / MESH_ORDER)
    return Convergence(accuracy, cutoff, smearing, x / smearing, spacing)

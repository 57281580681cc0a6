"""What a model is made of."""

from dataclasses import dataclass

from activecharge.model.model_options import ModelOptions
from activecharge.properties import PROPERTIES


@dataclass(frozen=True)
class Architecture:
    """All that rebuilds a model, apart from its weights.

    Attributes
    ----------
    options : ModelOptions
    elements : tuple of str
        Chemical symbols in the order of the model's one-hot encoding.
    avg_neighbors : float
        Mean number of neighbours in the training data, which normalises messages.
    baseline : tuple of float
        Energy E0 per element in eV, kept in double precision.
    taught : tuple of str
        Properties that labels have taught it, see `activecharge.model.taught`; all, where nobody
        knows better.
    own_dipoles : bool
        Whether an independent model of reference charges has the head of its dipole. Those of
        former versions had none: their dipole is that of their charges.
    """

    options: ModelOptions
    elements: tuple[str, ...]
    avg_neighbors: float
    baseline: tuple[float, ...]
    taught: tuple[str, ...] = tuple(PROPERTIES)
    own_dipoles: bool = True

    @property
    def has_own_dipoles(self) -> bool:
        """Whether there is a head for the dipole that Z does not see.

        Latent charges have none beside them, since it is the dipole that teaches them.
        """
        options = self.options
        independent = options.coupling == "independent" and options.charges == "reference"
        return independent and self.own_dipoles

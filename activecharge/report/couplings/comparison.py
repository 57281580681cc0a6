"""What a comparison of couplings tells: trained models on held-out labels, and their cost."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from ase import Atoms

from activecharge.records import Label, Prediction
from activecharge.report.couplings.over_seeds import SchemeErrors
from activecharge.report.metrics import errors, match

COMPARED = ("energy", "forces", "charges", "bec")
"""Properties that every scheme predicts."""

GROUPS = ("clusters", "bulk")
"""Free frames and periodic ones, which are judged apart."""


@dataclass(frozen=True)
class Outcome:
    """One trained model on the held-out frames.

    Attributes
    ----------
    scheme : str
        Which coupling, or way of teaching.
    seed : int
        Which training of that scheme, counted from 0.
    predictions : tuple of Prediction
        One a held-out label, in their order; without spreads.
    screening : tuple of numpy.ndarray
        Screening factors γ_i of each frame, shape (N,), dimensionless; empty where the scheme
        has none.
    """

    scheme: str
    seed: int
    predictions: tuple[Prediction, ...]
    screening: tuple[np.ndarray, ...] = ()


@dataclass(frozen=True)
class Cost:
    """Wall time of one model on one frame (or one training batch).

    Attributes
    ----------
    scheme : str
    atoms : int
    seconds : float
    """

    scheme: str
    atoms: int
    seconds: float


@dataclass(frozen=True)
class Screening:
    """Screening factors of one element's atoms in frames of one size.

    Attributes
    ----------
    scheme, element : str
    molecules : int or None
        Water molecules of the cluster; None for bulk.
    factors : numpy.ndarray
        Shape (M,), dimensionless, of all seeds together.
    """

    scheme: str
    element: str
    molecules: int | None
    factors: np.ndarray


@dataclass(frozen=True)
class Comparison:
    """Couplings side by side.

    Attributes
    ----------
    name, reference : str
        Of the campaign, and the code that gave the labels.
    labels : tuple of Label
        Held out, in the order of each outcome's predictions.
    outcomes : tuple of Outcome
        Scheme by scheme, seed by seed.
    predicting, training : tuple of Cost
        Time of one prediction of energy, forces, charges and Born effective charges; time of
        one optimizer step on a batch of training frames.
    counts : dict of str to int
        Labels learnt from, by kind.
    notes : dict of str to str
        A sentence on each scheme, in the order of tables.
    versions : dict of str to str
        Package versions.
    """

    name: str
    reference: str
    labels: tuple[Label, ...]
    outcomes: tuple[Outcome, ...]
    predicting: tuple[Cost, ...] = ()
    training: tuple[Cost, ...] = ()
    counts: dict[str, int] = field(default_factory=dict)
    notes: dict[str, str] = field(default_factory=dict)
    versions: dict[str, str] = field(default_factory=dict)

    @property
    def schemes(self) -> list[str]:
        """Names of the schemes, in order."""
        return list(dict.fromkeys(outcome.scheme for outcome in self.outcomes))

    @property
    def groups(self) -> dict[str, list[int]]:
        """Indices of the labels of each group that has any."""
        found: dict[str, list[int]] = {group: [] for group in GROUPS}
        for index, label in enumerate(self.labels):
            found[group_of(label)].append(index)
        return {group: indices for group, indices in found.items() if indices}

    @property
    def sizes(self) -> dict[int, list[int]]:
        """Indices of the free frames by their number of molecules, ascending."""
        found: dict[int, list[int]] = {}
        for index in self.groups.get("clusters", []):
            found.setdefault(molecules(self.labels[index].candidate.atoms), []).append(index)
        return dict(sorted(found.items()))

    def of(self, scheme: str) -> list[Outcome]:
        """The outcomes of a scheme, one a seed."""
        return [outcome for outcome in self.outcomes if outcome.scheme == scheme]

    @cached_property
    def errors(self) -> dict[str, dict[str, dict[str, SchemeErrors]]]:
        """Errors by group, scheme and property."""
        return {
            group: {scheme: self._over_seeds(scheme, indices) for scheme in self.schemes}
            for group, indices in self.groups.items()
        }

    @property
    def known(self) -> list[str]:
        """Properties that some held-out label has."""
        groups = self.errors.values()
        return [n for n in COMPARED if any(n in found for g in groups for found in g.values())]

    def errors_by_size(self, scheme: str, name: str) -> dict[int, float]:
        """Mean absolute error by number of molecules of a free frame, averaged over seeds."""
        found = {n: self._over_seeds(scheme, indices) for n, indices in self.sizes.items()}
        means = {n: e[name].mae.mean for n, e in found.items() if name in e}
        return {n: mean for n, mean in means.items() if mean is not None}

    def rescaled(self, scheme: str, group: str) -> tuple[float, float] | None:
        """The factor that would best bring a scheme's Z to the reference's in a group.

        Returns
        -------
        float, float
            The least-squares factor (dimensionless) and the mean absolute error (e) that
            remains with it, both averaged over seeds; None without reference values.
        """
        indices = self.groups.get(group, [])
        labels = [self.labels[i] for i in indices]
        found = []
        for outcome in self.of(scheme):
            pair = match("bec", labels, [outcome.predictions[i] for i in indices])
            if not len(pair.reference):
                return None
            known = np.isfinite(pair.reference)
            reference, predicted = pair.reference[known], pair.predicted[known]
            factor = float(predicted @ reference / (predicted @ predicted))
            found.append((factor, float(np.abs(factor * predicted - reference).mean())))
        factor, error = np.mean(found, axis=0)
        return float(factor), float(error)

    @cached_property
    def shared_factors(self) -> dict[str, float]:
        """Screening factor of each scheme whose atoms all share one, averaged over seeds."""
        found = {}
        for scheme in self.schemes:
            factors = [np.concatenate(o.screening) for o in self.of(scheme) if o.screening]
            if factors and all(np.ptp(f) == 0 for f in factors):
                found[scheme] = float(np.mean([f[0] for f in factors]))
        return found

    def screening(self) -> Iterator[Screening]:
        """Screening factors that differ between atoms, by scheme, element and size, bulk last."""
        places: list[tuple[int | None, list[int]]] = [*self.sizes.items()]
        if "bulk" in self.groups:
            places.append((None, self.groups["bulk"]))
        for scheme in self.schemes:
            outcomes = [outcome for outcome in self.of(scheme) if outcome.screening]
            if scheme in self.shared_factors:
                continue
            for element in self._elements() if outcomes else ():
                for size, indices in places:
                    parts = [
                        outcome.screening[i][self._symbols(i) == element]
                        for outcome in outcomes
                        for i in indices
                    ]
                    if len(factors := np.concatenate(parts)):
                        yield Screening(scheme, element, size, factors)

    def _over_seeds(self, scheme: str, indices: Sequence[int]) -> dict[str, SchemeErrors]:
        labels = [self.labels[i] for i in indices]
        found = [errors(labels, [o.predictions[i] for i in indices]) for o in self.of(scheme)]
        return {
            name: SchemeErrors.of([seed[name] for seed in found])
            for name in COMPARED
            if name in found[0]
        }

    def _elements(self) -> list[str]:
        return sorted({s for label in self.labels for s in label.candidate.atoms.symbols})

    def _symbols(self, index: int) -> np.ndarray:
        return np.array(self.labels[index].candidate.atoms.symbols)


def group_of(label: Label) -> str:
    """Which of `GROUPS` a label is of."""
    return "bulk" if label.candidate.atoms.pbc.any() else "clusters"


def molecules(atoms: Atoms) -> int:
    """Count the water molecules of a frame by their oxygens."""
    return int((atoms.numbers == 8).sum())

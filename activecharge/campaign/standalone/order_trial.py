"""Which index of Born effective charges is the polarization: told by what a polarization can do.

Born effective charges are a gradient, Z[i, a, b] = ∂P_a/∂R_ib, so their symmetric parts fix the
antisymmetric ones: a field whose gradients are all antisymmetric is a rigid rotation. Transposing Z
leaves the symmetric parts and turns the sign of the others. So a model that is a polarization
(coupling `dipolar`) learns the symmetric parts, which both orders share, and what it then says of
the antisymmetric parts, in frames that it has not seen, fits the right order better. No dipole,
energy or second calculation is needed.
"""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np

from activecharge.dataset.importing.index_order import Evidence, Tensors
from activecharge.learning.training_options import TrainingOptions
from activecharge.model.model_options import ModelOptions
from activecharge.properties import PROPERTIES
from activecharge.records import Candidate, Label

if TYPE_CHECKING:
    import torch

    from activecharge.learning.batches import Batch
    from activecharge.model.network import ChargeModel

FEWEST = 6
"""Frames below which a spread over frames says nothing."""

MOST_ATOMS = 3000
"""Atoms of all frames together beyond which frames are left out, so that minutes are enough."""

STEPS = 1000
"""Optimizer steps of each of the three trainings: 300 left boxes of four molecules undecided."""

DECISIVE = 3.0
"""Standard errors over frames by which the squared errors of the two orders must differ."""

LEARNT = 0.5
"""Error of the symmetric parts, as a share of their variation, below which a model may judge.
Models that had learnt less (after 30 and 60 steps on single molecules) leant to the wrong order."""

_FOLDS = 3
_BATCH_ATOMS = 48
_MODEL = ModelOptions(coupling="dipolar", charges="latent", channels=8, correlation=2)


def fit_orders(frames: Sequence[Tensors], steps: int = STEPS) -> Evidence | None:
    """Fit a small dipolar model to the tensors, and compare both orders in frames held out.

    Parameters
    ----------
    frames : sequence of Tensors
        All of one order; those with missing tensors are left out.
    steps : int
        Optimizer steps of a training.

    Returns
    -------
    Evidence or None
        Root mean square errors of the antisymmetric parts of held-out Z in either order; decided
        if their squares differ by more than three standard errors over frames, and the model has
        learnt the symmetric parts. None with fewer than six frames.
    """
    whole = _affordable([frame for frame in frames if np.isfinite(frame.bec).all()])
    if len(whole) < FEWEST:
        return None
    errors = _held_out(whole, steps)
    means = errors.mean(axis=0)
    share = float(np.sqrt(means[2]) / _variation(whole))
    gaps = errors[:, 0] - errors[:, 1]
    spread = float(gaps.std(ddof=1) / np.sqrt(len(gaps)))
    ratio = abs(float(gaps.mean())) / spread if spread > 0 else 0.0
    return Evidence(
        rule="antisymmetric parts as a dipolar model infers them from the symmetric ones",
        frames=len(whole),
        pol_disp=float(np.sqrt(means[0])),
        disp_pol=float(np.sqrt(means[1])),
        unit="e",
        remark=(
            f"squares differ by {ratio:.1f} standard errors over frames, {DECISIVE:g} are asked; "
            f"symmetric parts are learnt to {share:.0%} of their variation, {LEARNT:.0%} is asked"
        ),
        decided=ratio > DECISIVE and share < LEARNT,
    )


def _affordable(frames: list[Tensors]) -> list[Tensors]:
    """Some of the frames, evenly over the file, up to the atoms that minutes are enough for."""
    atoms = sum(len(frame.atoms) for frame in frames)
    if atoms <= MOST_ATOMS:
        return frames
    count = max(FEWEST, len(frames) * MOST_ATOMS // atoms)
    return [frames[i] for i in np.unique(np.linspace(0, len(frames) - 1, count).astype(int))]


def _held_out(frames: Sequence[Tensors], steps: int) -> np.ndarray:
    """Mean squared errors, shape (F, 3): of antisymmetric parts in either order, of symmetric ones.

    Each frame is judged by a model that never saw it.
    """
    from activecharge.learning.batches import make_batch

    elements = tuple(sorted({symbol for frame in frames for symbol in frame.atoms.symbols}))
    batches = [
        make_batch(Label(Candidate(f.atoms, str(i), ""), {"bec": f.bec}, "", {}), elements, 5.0)
        for i, f in enumerate(frames)
    ]
    folds = np.random.default_rng(0).permutation(len(frames)) % _FOLDS
    errors = np.empty((len(frames), 3))
    for fold in range(_FOLDS):
        model = _fitted([batches[i] for i in np.flatnonzero(folds != fold)], elements, fold, steps)
        for i in map(int, np.flatnonzero(folds == fold)):
            said = model(batches[i].graph.to("cpu", model.dtype), {"bec"})["bec"].detach().numpy()
            errors[i] = [
                np.mean(wrong**2)
                for wrong in (
                    _antisymmetric(said - frames[i].bec),
                    _antisymmetric(said + frames[i].bec),
                    _symmetric(said - frames[i].bec),
                )
            ]
    return errors


def _fitted(
    frames: "Sequence[Batch]", elements: tuple[str, ...], seed: int, steps: int
) -> "ChargeModel":
    """A model taught the symmetric parts of the frames' Z."""
    import torch

    from activecharge.learning.baseline import fit_architecture
    from activecharge.learning.charges import start_latent_charges
    from activecharge.learning.optimize import optimize
    from activecharge.model.network import ChargeModel

    torch.manual_seed(seed)
    model = ChargeModel(fit_architecture(frames, _MODEL, elements))
    start_latent_charges(model, frames)
    loader = _joined(frames, seed)

    def objective() -> "torch.Tensor":
        batch = next(loader).to("cpu", model.dtype)
        wrong = model(batch.graph, {"bec"}, training=True)["bec"] - batch.targets["bec"]
        wrong = (wrong + wrong.transpose(1, 2)) / (2 * PROPERTIES["bec"].tolerance)
        return torch.nn.functional.huber_loss(wrong, torch.zeros_like(wrong))

    def unjudged(_: "torch.nn.Module") -> tuple[dict[str, float], np.ndarray]:
        return {"valid_loss": 0.0}, np.zeros(1)  # the last weights are kept

    options = TrainingOptions(steps=steps, evaluate_every=steps)
    optimize(model, objective, unjudged, options, False, "order trial", None)
    return model.eval()


def _joined(frames: "Sequence[Batch]", seed: int) -> "Iterator[Batch]":
    from activecharge.learning.batches import join_batches
    from activecharge.learning.optimize import shuffled

    atoms = sum(len(frame.graph.positions) for frame in frames) / len(frames)
    size = max(1, round(_BATCH_ATOMS / atoms))
    for chosen in shuffled(len(frames), size, np.random.default_rng(seed)):
        yield join_batches([frames[i] for i in chosen])


def _variation(frames: Sequence[Tensors]) -> float:
    """Root mean square of the symmetric parts about the mean charge of each element."""
    numbers = np.concatenate([frame.atoms.numbers for frame in frames])
    parts = _symmetric(np.concatenate([frame.bec for frame in frames]))
    for number in set(numbers):
        mean = np.trace(parts[numbers == number].mean(axis=0)) / 3
        parts[numbers == number] -= mean * np.eye(3)
    return float(np.sqrt(np.mean(parts**2)))


def _symmetric(bec: np.ndarray) -> np.ndarray:
    return (bec + bec.swapaxes(1, 2)) / 2


def _antisymmetric(bec: np.ndarray) -> np.ndarray:
    return (bec - bec.swapaxes(1, 2)) / 2

"""Who says which index of Born effective charges is the polarization, and do they agree."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, cast, get_args

from ase import Atoms

from activecharge.dataset.importing.born_files import BornFile
from activecharge.dataset.importing.index_order import (
    DECISIVE,
    Evidence,
    Order,
    OrderTrial,
    SecondBec,
    Tensors,
    detect,
    verdict,
)
from activecharge.errors import UserError

Wanted = Order | Literal["detect", "fit"]

_GIVE = "give order: pol_disp (polarization first) or disp_pol (displacement first)."
_ADVICE = {
    False: f"try order: fit, which takes minutes, or {_GIVE}",
    True: f"a fit needs six frames or more with all tensors; {_GIVE}",
}
"""What to do, by whether a fit was tried already."""

_WORDS = {"pol_disp": "polarization first", "disp_pol": "displacement first"}


@dataclass(frozen=True)
class Settled:
    """The index order of each frame with Born effective charges.

    Attributes
    ----------
    orders : tuple of {"pol_disp", "disp_pol"}
        One entry a frame.
    reason : str
        Where they are from.
    evidence : tuple of Evidence
    """

    orders: tuple[Order, ...]
    reason: str
    evidence: tuple[Evidence, ...]


def convention_of(where: str, atoms: Atoms) -> Order | None:
    """The order that a frame itself states as `bec_convention`, if any."""
    stated = atoms.info.get("bec_convention")
    if stated is not None and stated not in get_args(Order):
        raise UserError(
            f"{where}: bec_convention is {stated!r}; expected pol_disp (polarization first) or "
            "disp_pol (displacement first); correct or remove it."
        )
    return cast("Order | None", stated)


def settle_order(
    path: Path,
    wanted: Wanted,
    conventions: Sequence[Order | None],
    born: BornFile | None,
    frames: Sequence[Tensors],
    second: SecondBec | None,
    trial: OrderTrial | None = None,
) -> Settled:
    """Settle the index order, from what was said and from what the tensors show.

    An order said by the user, by a frame or by a code's documentation must not contradict
    decisive evidence. Where nothing was said, the evidence decides.

    Parameters
    ----------
    path : pathlib.Path
        For messages.
    wanted : {"pol_disp", "disp_pol", "detect", "fit"}
        What the user says; "fit" asks `trial` where all else leaves the order open.
    conventions : sequence
        What each frame says.
    born : BornFile or None
        What the code says, if its own file was read.
    frames : sequence of Tensors
        One entry a frame, as in `conventions`.
    second : callable or None
        See `activecharge.dataset.importing.index_order.detect`; asked only where nothing was said.
    trial : callable, optional
        A model fitted to both orders.

    Returns
    -------
    Settled

    Raises
    ------
    UserError
        If two sources contradict each other, or nothing tells the order.
    """
    if not frames:
        return Settled((), "there are no Born effective charges", ())
    said, reason = _claims(path, wanted, conventions, born)
    evidence = _agreeing_evidence(path, frames, said, reason)
    unsaid = [i for i, order in enumerate(said) if order is None]
    if not unsaid:
        return Settled(cast("tuple[Order, ...]", tuple(said)), reason, evidence)
    order, evidence = _detected(path, wanted, [frames[i] for i in unsaid], second, trial)
    decisive = "; ".join(str(item) for item in evidence if item.order)
    return Settled(tuple(claim or order for claim in said), f"detected: {decisive}", evidence)


def _claims(
    path: Path, wanted: Wanted, conventions: Sequence[Order | None], born: BornFile | None
) -> tuple[list[Order | None], str]:
    """What is said of each frame, and by whom; refuse if the user is contradicted."""
    said, reason = list(conventions), "the frames' bec_convention"
    if born is not None:
        said, reason = [born.order] * len(said), f"as documented for {born.origin}"
    if wanted not in get_args(Order):
        return said, reason
    for claim in said:
        if claim not in (None, wanted):
            raise UserError(
                f"{path}: order is given as {wanted}, but it is {claim} ({reason}); "
                "correct one of them."
            )
    return [cast("Order", wanted)] * len(said), "as given"


def _detected(
    path: Path,
    wanted: Wanted,
    frames: Sequence[Tensors],
    second: SecondBec | None,
    trial: OrderTrial | None,
) -> tuple[Order, tuple[Evidence, ...]]:
    """The order of frames of which nothing was said, from the tensors or from a fit."""
    evidence = detect(frames, second)
    found = verdict(evidence)
    if found is None and wanted == "fit" and trial is not None:
        fitted = trial(frames)
        evidence += (fitted,) if fitted is not None else ()
        found = verdict(evidence)
    if found is None:
        raise UserError(f"{_undecided(path, evidence)}; {_ADVICE[wanted == 'fit']}")
    return found, evidence


def _agreeing_evidence(
    path: Path, frames: Sequence[Tensors], said: Sequence[Order | None], reason: str
) -> tuple[Evidence, ...]:
    """Sum rules of the frames whose order was said; refuse if they decide against it."""
    evidence: tuple[Evidence, ...] = ()
    for order in get_args(Order):
        own = detect([f for f, claim in zip(frames, said, strict=True) if claim == order])
        for item in own:
            if item.order not in (None, order):
                raise UserError(
                    f"{path}: the Born effective charges should have {_WORDS[order]} ({reason}), "
                    f"but the data show the opposite ({item}); correct the order."
                )
        evidence += own
    return evidence


def _undecided(path: Path, evidence: Sequence[Evidence]) -> str:
    if not evidence:
        why = "there is neither a free cluster nor a second calculation to tell it from"
    elif len({item.order for item in evidence} - {None}) > 1:
        why = "the evidence contradicts itself: " + "; ".join(map(str, evidence))
    else:
        figures = "; ".join(map(str, evidence))
        why = (
            f"the evidence is not decisive, for which a factor of {DECISIVE:g} is asked: {figures}"
        )
    return f"{path}: the index order of the Born effective charges is not known, and {why}"
